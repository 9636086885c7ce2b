// The tree of commands.
#include "command/cumulet/application.h"

#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "command/cumulet/client.h"
#include "command/cumulet/completion.h"
#include "command/cumulet/image_command.h"
#include "command/cumulet/lifecycle.h"
#include "command/cumulet/settings.h"
#include "command/vm/vm_run.h"
#include "control/image/recipe.h"
#include "store/embedded/sqlite_kv.h"

namespace cumulet::command {

struct Arguments {
  std::string state_dir;
  // up
  bool foreground = false;
  Settings settings;
  std::string listen = "127.0.0.1:4566";
  std::string engine = "auto";
  std::string log_level = "info";
  uint32_t vcpus_per_cpu = 16;
  uint64_t memory_reserve_mib = 512;
  std::optional<uint64_t> memory_mib;
  uint32_t stop_grace_s = 20;
  // the others
  bool keep_instances = false;
  std::string recipe = std::string(control::kDefaultRecipe);
  std::string shell;
  VmRunOptions vm;
};

namespace {

int report(const Error& error) {
  fmt::print(stderr, "cumulet: {}{}\n", error.message,
             error.context.empty() ? "" : " (" + error.context + ")");
  return kFailure;
}

int status_of(const Result<>& result) { return result ? kSuccess : report(result.error()); }

Result<DaemonOptions> daemon_options(const Arguments& arguments) {
  DaemonOptions options;
  TRY_VOID(parse_listen(arguments.listen, options));
  options.cloud.vmm_program = TRY(find_vmm_program());
  options.cloud.engine = TRY(node::parse_engine_choice(arguments.engine));
  options.cloud.stop_grace_ms = uint64_t{arguments.stop_grace_s} * 1000;
  options.cloud.capacity = {arguments.vcpus_per_cpu, arguments.memory_reserve_mib};
  options.cloud.memory_mib = arguments.memory_mib;
  return options;
}

// What a daemon in the background is told. Keys are not: other users see command lines.
std::vector<std::string> background_arguments(const Arguments& arguments) {
  std::vector<std::string> all{"--listen",         arguments.listen,
                               "--engine",         arguments.engine,
                               "--log-level",      arguments.log_level,
                               "--vcpus-per-cpu",  std::to_string(arguments.vcpus_per_cpu),
                               "--memory-reserve", std::to_string(arguments.memory_reserve_mib),
                               "--stop-grace",     std::to_string(arguments.stop_grace_s)};
  if (arguments.memory_mib) all.insert(all.end(), {"--memory", std::to_string(*arguments.memory_mib)});
  return all;
}

Result<> run_up(const Arguments& arguments) {
  const DaemonOptions options = TRY(daemon_options(arguments));
  const StateFolder folder = TRY(find_state_folder(arguments.state_dir));
  TRY_VOID(make_state_folder(folder));
  const Settings settings = TRY(load_settings(folder, arguments.settings));
  if (!arguments.foreground) return start_daemon(folder, background_arguments(arguments));
  set_up_log("cumulet", arguments.log_level);
  return run_daemon(folder, settings, options);
}

Result<> run_down(const Arguments& arguments) {
  const StateFolder folder = TRY(find_state_folder(arguments.state_dir));
  set_up_log("cumulet", "error");
  return stop_daemon(folder, arguments.keep_instances);
}

// Images are made in the store itself, with or without a daemon.
Result<> run_image(const Arguments& arguments, bool build) {
  const StateFolder folder = TRY(find_state_folder(arguments.state_dir));
  TRY_VOID(make_state_folder(folder));
  const Settings settings = TRY(load_settings(folder));
  const std::unique_ptr<store::Kv> kv = TRY(store::SqliteKv::open(folder.store()));
  const ImageCommandContext context{*kv, folder.path, settings.account_id};
  return build ? image_build(context, arguments.recipe) : image_list(context);
}

int run_status(const Arguments& arguments) {
  const auto folder = find_state_folder(arguments.state_dir);
  if (!folder) return report(folder.error());
  const Result<bool> runs = print_status(*folder);
  if (!runs) return report(runs.error());
  return *runs ? kSuccess : kNotRunning;
}

Result<> run_env(const Arguments& arguments) {
  const StateFolder folder = TRY(find_state_folder(arguments.state_dir));
  return print_environment(folder);
}

int run_aws(const Arguments& arguments, const std::vector<std::string>& rest) {
  const auto folder = find_state_folder(arguments.state_dir);
  return report(folder ? exec_aws(*folder, rest) : folder.error());
}

int run_completion(const CLI::App& app, const Arguments& arguments) {
  const auto script = completion_script(app, arguments.shell);
  if (!script) return report(script.error());
  fmt::print("{}", *script);
  return kSuccess;
}

void add_up(CLI::App& app, Arguments& arguments) {
  CLI::App* up = app.add_subcommand("up", "Start the cloud in the background; print where it answers");
  up->add_flag("--foreground", arguments.foreground, "Stay in the foreground and log to stderr");
  up->add_option("--listen", arguments.listen, "ADDRESS:PORT of the API; port 0: any")->capture_default_str();
  up->add_option("--region", arguments.settings.region, "Region; kept from the first start on [us-east-1]");
  up->add_option("--account-id", arguments.settings.account_id,
                 "Account of 12 digits; kept from the first start on [random]");
  up->add_option("--access-key", arguments.settings.access_key_id, "Root access key id, kept [random]");
  up->add_option("--secret-key", arguments.settings.secret_access_key,
                 "Root secret access key, kept [random]");
  up->add_option("--engine", arguments.engine, "auto (KVM where the CPU has VT-x or AMD-V), emulated or kvm")
      ->check(CLI::IsMember({"auto", "emulated", "kvm"}))
      ->capture_default_str();
  up->add_option("--vcpus-per-cpu", arguments.vcpus_per_cpu,
                 "vCPUs offered for each processor of this machine")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  up->add_option("--memory-reserve", arguments.memory_reserve_mib, "MiB of memory kept from instances")
      ->capture_default_str();
  up->add_option("--memory", arguments.memory_mib, "MiB of memory offered to instances [what is available]");
  up->add_option("--stop-grace", arguments.stop_grace_s,
                 "Seconds that a guest has to shut down when it is stopped")
      ->check(CLI::Range(0U, 3600U))
      ->capture_default_str();
  up->add_option("--log-level", arguments.log_level, "trace, debug, info, warning or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
}

void add_commands(CLI::App& app, Arguments& arguments) {
  add_up(app, arguments);
  CLI::App* down = app.add_subcommand("down", "Stop the instances, then the cloud");
  down->add_flag("--keep-instances", arguments.keep_instances,
                 "Leave the instances running; the next `up` takes them over");
  app.add_subcommand("status", "Show what runs; status 3 if nothing does");
  app.add_subcommand("env", "Print the environment for AWS clients: eval \"$(cumulet env)\"");
  app.add_subcommand("aws", "Run the stock AWS CLI against this cloud: cumulet aws ec2 describe-instances")
      ->prefix_command();
  CLI::App* image = app.add_subcommand("image", "Machine images");
  image->require_subcommand(1);
  CLI::App* build =
      image->add_subcommand("build", "Build an image from a recipe and register it; print its id");
  build->add_option("recipe", arguments.recipe, "Name of the recipe")->capture_default_str();
  image->add_subcommand("list", "List the images");
  CLI::App* vm = app.add_subcommand("vm", "Virtual machines by hand, without the cloud");
  vm->require_subcommand(1);
  add_vm_run_options(*vm->add_subcommand("run", "Run one virtual machine, its console on this terminal"),
                     arguments.vm);
  app.add_subcommand("completion", "Print a script that completes commands: bash, zsh or fish")
      ->add_option("shell", arguments.shell, "bash, zsh or fish")
      ->required();
}

int dispatch(const CLI::App& app, const Arguments& arguments) {
  if (app.got_subcommand("up")) return status_of(run_up(arguments));
  if (app.got_subcommand("down")) return status_of(run_down(arguments));
  if (app.got_subcommand("status")) return run_status(arguments);
  if (app.got_subcommand("env")) return status_of(run_env(arguments));
  if (app.got_subcommand("image"))
    return status_of(run_image(arguments, app.get_subcommand("image")->got_subcommand("build")));
  if (app.got_subcommand("vm")) return vm_run(arguments.vm);
  if (app.got_subcommand("completion")) return run_completion(app, arguments);
  fmt::print(stderr, "{}", app.help());
  return kUsage;
}

// The AWS CLI has options like ours (--version, --region): all that follows `aws` is its own, so it is taken
// before the command line is parsed. Returns the arguments after `aws`, or none if that is not the command.
std::optional<std::vector<std::string>> aws_arguments(int argc, const char* const* argv,
                                                      Arguments& arguments) {
  constexpr std::string_view kStateDir = "--state-dir";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "aws") return std::vector<std::string>(argv + i + 1, argv + argc);
    if (word == kStateDir && i + 1 < argc)
      arguments.state_dir = argv[++i];
    else if (word.starts_with(kStateDir) && word.substr(kStateDir.size()).starts_with('='))
      arguments.state_dir = word.substr(kStateDir.size() + 1);
    else
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Application::Application()
    : arguments(std::make_unique<Arguments>()),
      app("Your own EC2: real virtual machines behind the EC2 API.") {
  app.name("cumulet");
  app.set_version_flag("--version", "cumulet " CUMULET_VERSION);
  app.require_subcommand(0, 1);
  app.add_option("--state-dir", arguments->state_dir,
                 "Where the cloud keeps everything [$CUMULET_HOME, else ~/.local/state/cumulet]");
  add_commands(app, *arguments);
}

Application::~Application() = default;

int Application::run(int argc, const char* const* argv) {
  // CLI11 and what is below it may throw; nothing of ours does.
  try {
    if (const auto aws = aws_arguments(argc, argv, *arguments)) return run_aws(*arguments, *aws);
    app.parse(argc, argv);
    return dispatch(app, *arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(stderr, "cumulet: {}; see --help\n", error.what());
    return kUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cumulet: {}\n", error.what());
    return kFailure;
  }
}

}  // namespace cumulet::command
