// Tests of the completion scripts: they name every command, and the shells that are here accept them.
#include "command/cumulet/completion.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "command/cumulet/application.h"

namespace cumulet::command {
namespace {

TEST(Completion, NamesEveryCommandAndOption) {
  const Application application;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(application.app, shell).value();
    for (const char* word :
         {"up", "down", "status", "env", "aws", "image", "build", "list", "vm", "run", "listen"})
      EXPECT_NE(script.find(word), std::string::npos) << shell << ": " << word;
  }
  EXPECT_EQ(completion_script(application.app, "tcsh").error().code, ErrorCode::kInvalidArgument);
}

TEST(Completion, BashCompletes) {
  const Application application;
  const std::filesystem::path file = testing::TempDir() + "cumulet-completion-" + std::to_string(getpid());
  std::ofstream(file)
      << completion_script(application.app, "bash").value()
      << "check() { COMP_WORDS=(\"${@:2}\"); COMP_CWORD=$(($# - 2)); _cumulet;\n"
         "  case \" ${COMPREPLY[*]} \" in *\" $1 \"*) ;; *) echo \"no $1\"; exit 1;; esac; }\n"
         "check status cumulet st\n"
         "check build cumulet image ''\n"
         "check --kernel cumulet vm run --k\n"
         "check --listen cumulet up --engine kvm --li\n";
  EXPECT_EQ(std::system(("bash " + file.string()).c_str()), 0);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace cumulet::command
