// Completion scripts from the tree of commands.
#include "command/cumulet/completion.h"

#include <fmt/format.h>
#include <vector>

namespace cumulet::command {

namespace {

// One command with all before it, e.g. "image build", and what may follow.
struct Command {
  std::string path;  // without the program's name; empty for the program itself
  std::vector<const CLI::App*> subcommands;
  std::vector<const CLI::Option*> options;
};

void collect(const CLI::App& command, const std::string& path, std::vector<Command>& all) {
  Command entry{path, {}, {}};
  for (const CLI::Option* option : command.get_options())
    if (!option->get_lnames().empty() || !option->get_snames().empty()) entry.options.push_back(option);
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; }))
    entry.subcommands.push_back(child);
  all.push_back(entry);
  for (const CLI::App* child : entry.subcommands)
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), all);
}

std::string words(const Command& command) {
  std::string text;
  for (const CLI::App* child : command.subcommands) text += child->get_name() + " ";
  for (const CLI::Option* option : command.options)
    for (const std::string& name : option->get_lnames()) text += "--" + name + " ";
  if (!text.empty()) text.pop_back();
  return text;
}

// bash and zsh (by bashcompinit) share one function: the words before the cursor that are commands choose the
// list.
std::string bash_function(const std::vector<Command>& all) {
  std::string script =
      "_cumulet() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path='' word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"${path:+$path }$word\" in\n";
  for (const Command& command : all)
    if (!command.path.empty()) script += fmt::format("      '{0}') path='{0}' ;;\n", command.path);
  script +=
      "    esac\n"
      "  done\n"
      "  local words=''\n"
      "  case \"$path\" in\n";
  for (const Command& command : all)
    script += fmt::format("    '{}') words='{}' ;;\n", command.path, words(command));
  script +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "}\n";
  return script;
}

std::string fish_text(std::string text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("\\'") : std::string(1, c);
  return result;
}

// fish asks a condition for each suggestion: which commands were given, and that no further one was.
std::string fish_condition(const Command& command) {
  std::string condition;
  std::string path = command.path;
  while (!path.empty()) {
    const size_t space = path.find(' ');
    condition += "__fish_seen_subcommand_from " + path.substr(0, space) + "; and ";
    path = space == std::string::npos ? "" : path.substr(space + 1);
  }
  std::string children;
  for (const CLI::App* child : command.subcommands) children += " " + child->get_name();
  return condition + (children.empty() ? "true" : "not __fish_seen_subcommand_from" + children);
}

std::string fish_script(const std::vector<Command>& all) {
  std::string script = "complete -c cumulet -f\n";
  for (const Command& command : all) {
    const std::string condition = fish_condition(command);
    for (const CLI::App* child : command.subcommands)
      script += fmt::format("complete -c cumulet -n '{}' -a {} -d '{}'\n", condition, child->get_name(),
                            fish_text(child->get_description()));
    for (const CLI::Option* option : command.options)
      for (const std::string& name : option->get_lnames())
        script += fmt::format("complete -c cumulet -n '{}' -l {} -d '{}'\n", condition, name,
                              fish_text(option->get_description()));
  }
  return script;
}

}  // namespace

Result<std::string> completion_script(const CLI::App& application, const std::string& shell) {
  std::vector<Command> all;
  collect(application, "", all);
  if (shell == "bash") return bash_function(all) + "complete -o filenames -F _cumulet cumulet\n";
  if (shell == "zsh")
    return "#compdef cumulet\nautoload -U +X bashcompinit && bashcompinit\n" + bash_function(all) +
           "complete -o filenames -F _cumulet cumulet\n";
  if (shell == "fish") return fish_script(all);
  return fail(ErrorCode::kInvalidArgument, "no completion for '" + shell + "': choose bash, zsh or fish");
}

}  // namespace cumulet::command
