// The `cumulet` program: daemon and command-line tool.
#include "command/cumulet/application.h"

int main(int argc, char** argv) {
  cumulet::command::Application application;
  return application.run(argc, argv);
}
