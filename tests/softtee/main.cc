// assay-softtee: the software TEE on the command line.
//
// Exit codes: 0 done, 1 the work failed (files, directories), 2 wrong usage. Standard output carries results only.
#include <CLI/CLI.hpp>

#include "tests/softtee/commands/subcommand.h"

int main(int argc, char** argv) {
  using namespace assay::softtee;
  CLI::App program(
      "The software TEE: mints SEV-SNP, TDX, SGX, TPM, Azure, Nitro and Google evidence under PKIs of its own. Nothing it makes proves anything.",
      "assay-softtee");
  program.require_subcommand(1);
  const Subcommand subcommands[] = {AddPki(program),   AddSnp(program), AddDcap(program),   AddTpm(program), AddAzure(program),
                                    AddNitro(program), AddGce(program), AddFaults(program), AddTls(program)};
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return program.exit(error) == 0 ? kOk : kUsage; }
  for (const Subcommand& one : subcommands) {
    if (*one.app) return one.run();
  }
  return kUsage;
}
