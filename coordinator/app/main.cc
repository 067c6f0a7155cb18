#include "coordinator/app/coordinator_app.h"

int main(int argc, char** argv) { return skerry::CoordinatorMain(argc, argv); }
