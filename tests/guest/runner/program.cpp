// Reading the header comments of guest programs.
#include "program.h"

#include <charconv>
#include <sstream>

namespace cumulet::guest_test {

namespace {
std::string trimmed(const std::string& text) {
  size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Result<uint64_t> parse_number(const std::string& text) {
  bool hexadecimal = text.starts_with("0x");
  const char* begin = text.data() + (hexadecimal ? 2 : 0);
  const char* end = text.data() + text.size();
  uint64_t value = 0;
  auto [rest, error] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
  if (error != std::errc() || rest != end) return fail(ErrorCode::kInvalidArgument, "not a number: " + text);
  return value;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

Result<void> parse_start(Program& program, const std::string& value) {
  if (value == "long") {
    program.start = StartMode::kLong;
  } else if (value == "protected") {
    program.start = StartMode::kProtected;
  } else if (value == "real") {
    program.start = StartMode::kReal;
  } else {
    return fail(ErrorCode::kInvalidArgument, "unknown start mode: " + value);
  }
  return {};
}

Result<void> parse_result(Program& program, const std::string& value) {
  if (value == "pass") {
    program.result = Outcome::kPass;
  } else if (value == "shutdown") {
    program.result = Outcome::kShutdown;
  } else if (value == "halt") {
    program.result = Outcome::kHalt;
  } else {
    return fail(ErrorCode::kInvalidArgument, "unknown result: " + value);
  }
  return {};
}

Result<void> parse_registers(Program& program, const std::string& value) {
  for (const std::string& word : words_of(value)) {
    size_t equals = word.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::kInvalidArgument, "expected register=value: " + word);
    program.registers[word.substr(0, equals)] = TRY(parse_number(word.substr(equals + 1)));
  }
  return {};
}

Result<void> parse_memory(Program& program, const std::string& value) {
  size_t equals = value.find('=');
  if (equals == std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "expected address = bytes: " + value);
  ExpectedMemory expected{TRY(parse_number(trimmed(value.substr(0, equals)))), {}};
  for (const std::string& word : words_of(value.substr(equals + 1)))
    expected.bytes.push_back(static_cast<uint8_t>(TRY(parse_number("0x" + word))));
  program.memory.push_back(std::move(expected));
  return {};
}

Result<void> parse_skip(Program& program, const std::string& value) {
  size_t space = value.find(' ');
  if (space == std::string::npos) return fail(ErrorCode::kInvalidArgument, "a skip needs a reason: " + value);
  program.skips[value.substr(0, space)] = trimmed(value.substr(space));
  return {};
}

Result<void> parse_directive(Program& program, const std::string& key, const std::string& value) {
  if (key == "start") return parse_start(program, value);
  if (key == "result") return parse_result(program, value);
  if (key == "expect") return parse_registers(program, value);
  if (key == "memory") return parse_memory(program, value);
  if (key == "skip") return parse_skip(program, value);
  if (key == "needs") {
    program.needs = words_of(value);
  } else if (key == "vcpus") {
    program.vcpus = static_cast<uint32_t>(TRY(parse_number(value)));
  } else if (key == "serial") {
    program.serial = value;
  }
  return {};  // any other line with a colon is prose
}
}  // namespace

Result<Program> parse_program(const std::string& source) {
  Program program;
  std::istringstream stream(source);
  for (std::string line; std::getline(stream, line) && line.starts_with("//");) {
    std::string text = trimmed(line.substr(2));
    if (program.summary.empty()) program.summary = text;
    size_t colon = text.find(": ");
    if (colon == std::string::npos || text.find(' ') < colon) continue;
    auto parsed = parse_directive(program, text.substr(0, colon), trimmed(text.substr(colon + 2)));
    if (!parsed) return fail(ErrorCode::kInvalidArgument, parsed.error().message + " in \"" + line + "\"");
  }
  if (program.summary.empty())
    return fail(ErrorCode::kInvalidArgument, "a guest program needs a header comment");
  return program;
}

}  // namespace cumulet::guest_test
