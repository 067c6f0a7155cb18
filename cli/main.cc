#include "cli/cli_app.h"

int main(int argc, char** argv) { return skerry::CliMain(argc, argv); }
