#include "base/freed_memory.h"
#include "base/shutdown_signal.h"
#include "cli/cli_app.h"

int main(int argc, char** argv) {
  skerry::KeepFreedMemory();  // a simulation frees in each round what the next one needs
  skerry::EndProcess(skerry::CliMain(argc, argv));
}
