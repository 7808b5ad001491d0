// The program as scripts call it: output, files, exit codes.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "base/hex.h"
#include "tests/places/places.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/file.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Answer {
  int code;
  std::string output;  // standard output and standard error
};

Answer Softtee(const std::string& arguments) {
  FILE* pipe = popen((test::Program("assay-softtee") + " " + arguments + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) != 0;) output.append(buffer, got);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

class Cli : public testing::Test {
 protected:
  Cli() {
    std::string pattern = testing::TempDir() + "softtee-cli-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    // The keys of this build, so that no run has to make any.
    SnpPki::Shared();
    IntelPki::Shared();
    pki_ = (std::filesystem::path(test::BinaryDir()) / "softtee-pki").string();
  }
  ~Cli() override { std::filesystem::remove_all(directory_); }

  std::string Snp(const std::string& more) const { return "snp --pki " + pki_ + " " + more; }
  std::string Dcap(const std::string& more) const { return "dcap --pki " + pki_ + " " + more; }

  const std::string report_data_ = "--report-data " + ToHex(Ramp<64>(0x80)) + " ";
  std::filesystem::path directory_;
  std::string pki_;
};

TEST_F(Cli, PrintsItemsAsJson) {
  const Answer run = Softtee(Snp(report_data_ + "--json"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, StartsWith(R"({"items":[{"media_type":"application/vnd.assay.sev-snp-report","body":"AwAAAA)"));
  EXPECT_THAT(run.output, HasSubstr(R"("},{"media_type":"application/vnd.assay.sev-cert-table","body":"Y9p1jeZkRWStxfS5O+is)"));
  EXPECT_THAT(run.output, testing::EndsWith("\"}]}\n"));
}

TEST_F(Cli, WritesFiles) {
  const std::string out = (directory_ / "out").string();
  const Answer run = Softtee(Snp(report_data_ + "--product turin --signing-key vlek --out " + out));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(run.output, "");
  for (const char* name : {"report.bin", "cert_table.bin", "vlek.der", "asvk.der", "ark.der", "crl.der"}) {
    EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / name)) << name;
  }
  const Bytes report = ReadFile(directory_ / "out" / "report.bin").value();
  EXPECT_EQ(ToHex(ByteView(report).subspan(0x050, 64)), ToHex(Ramp<64>(0x80)));
}

TEST_F(Cli, PrintsAQuoteWithItsCollateralAsJson) {
  const Answer run = Softtee(Dcap(report_data_ + "--json"));
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, StartsWith(R"({"items":[{"media_type":"application/vnd.assay.dcap-quote","body":"BAACAIEAAA)"));
  for (const char* type : {"application/json", "application/pem-certificate-chain", "application/pkix-crl"}) EXPECT_THAT(run.output, HasSubstr(type));
}

TEST_F(Cli, WritesQuoteAndDocuments) {
  const std::string out = (directory_ / "out").string();
  const Answer run = Softtee(Dcap(report_data_ + "--quote tdx_v5_td15 --mrtd " + std::string(96, '7') + " --evaluation-numbers --out " + out));
  EXPECT_EQ(run.code, 0) << run.output;
  for (const char* name : {"tcb_info.json", "qe_identity.json", "evaluation_numbers.json", "tcb_signing_chain.pem", "root_crl.der", "pck_crl.der"}) {
    EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / name)) << name;
  }
  const Bytes quote = ReadFile(directory_ / "out" / "quote.bin").value();
  EXPECT_EQ(ToHex(ByteView(quote).subspan(54 + 136, 48)), std::string(96, '7'));
  EXPECT_EQ(ToHex(ByteView(quote).subspan(54 + 520, 64)), ToHex(Ramp<64>(0x80)));
}

TEST_F(Cli, PrintsOrWritesANitroDocument) {
  const std::string nitro = "nitro --pki " + pki_ + " ";
  const Answer run = Softtee(nitro + "--nonce 5a5a --kind tpm --public-key 0102 --user-data 03 --indefinite --json");
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, StartsWith(R"({"items":[{"media_type":"application/vnd.assay.nitro-document","body":"hESh)"));
  const Answer written = Softtee(nitro + "--nonce 5a5a --out " + (directory_ / "out").string());
  EXPECT_EQ(written.code, 0) << written.output;
  const Bytes document = ReadFile(directory_ / "out" / "document.cbor").value();
  EXPECT_EQ(ToHex(ByteView(document).first(6)), "8444a1013822");
}

TEST_F(Cli, PkiNamesItsAnchors) {
  const Answer run = Softtee("pki --dir " + pki_);
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.output, pki_ + "/anchors.yaml\n");
  const std::string yaml = std::string(AsText(ReadFile(std::filesystem::path(pki_) / "anchors.yaml").value()));
  EXPECT_EQ(yaml, SharedAnchorsYaml());
  for (const char* name : {"product: Milan", "product: Turin", "vendor: intel, product: SGX", "vendor: aws, product: nitro"}) EXPECT_THAT(yaml, HasSubstr(name));
}

TEST_F(Cli, ListsFaults) {
  const Answer run = Softtee("faults");
  EXPECT_EQ(run.code, 0);
  for (const FaultEntry& entry : AllFaults()) EXPECT_THAT(run.output, HasSubstr("snp   " + std::string(entry.name) + " "));
  for (const DcapFaultEntry& entry : AllDcapFaults()) EXPECT_THAT(run.output, HasSubstr("dcap  " + std::string(entry.name) + " "));
  for (const NitroFaultEntry& entry : AllNitroFaults()) EXPECT_THAT(run.output, HasSubstr("nitro " + std::string(entry.name) + " "));
  for (const AzureFaultEntry& entry : AllAzureFaults()) EXPECT_THAT(run.output, HasSubstr("azure " + std::string(entry.name) + " "));
}

TEST_F(Cli, HelpShowsTheDefaults) {
  const Answer run = Softtee("snp --help");
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.output, HasSubstr(ToHex(kDefaultMeasurement)));
  EXPECT_THAT(run.output, HasSubstr(ToHex(kDefaultChipId)));
}

TEST_F(Cli, RefusesWrongUsage) {
  const struct {
    std::string arguments;
    std::string says;
  } rows[] = {
      {"", "subcommand"},
      {"mint", "subcommand"},
      {"pki", "--dir"},
      {"azure --out x --nonce 00", "--pki"},
      {"azure --pki p --out x --nonce 0g", "--nonce: expected hexadecimal digits"},
      {"azure --pki p --out x --nonce 00 --tee sgx", "--tee"},
      {"azure --pki p --out x --nonce 00 --fault vmpl_2", "did you mean vmpl_1?"},
      {"azure --pki p --out x --nonce 00 --fault td_quote_missing", "there is no td_quote_missing with --tee snp"},
      {"tls", "--dir"},
      {"snp " + report_data_ + "--json", "--pki"},
      {Snp("--json"), "--report-data"},
      {Snp("--report-data 00 --json"), "--report-data: expected 64 bytes"},
      {Snp("--report-data " + std::string(128, 'g') + " --json"), "--report-data: expected 64 bytes"},
      {Snp(report_data_), "--json"},
      {Snp(report_data_ + "--json --out x"), "--out"},
      {Snp(report_data_ + "--json --product rome"), "--product"},
      {Snp(report_data_ + "--json --report-version 6"), "--report-version"},
      {Snp(report_data_ + "--json --product turin --report-version 2"), "Turin"},
      {Snp(report_data_ + "--json --signing-key none"), "--signing-key"},
      {Snp(report_data_ + "--json --chip-id 0102030405060708"), "--chip-id: expected 64 bytes"},
      {Snp(report_data_ + "--json --measurement 00"), "--measurement"},
      {Snp(report_data_ + "--json --at yesterday"), "--at"},
      {Snp(report_data_ + "--json --fault debu"), "did you mean debug?"},
      {Snp(report_data_ + "--json --fault leaf_tcb_fmc"), "needs Turin"},
      {Dcap("--json"), "--report-data"},
      {Dcap(report_data_ + "--json --quote tdx_v6"), "--quote"},
      {Dcap(report_data_ + "--json --mrtd 00"), "--mrtd: expected 48 bytes"},
      {Dcap(report_data_ + "--json --fmspc 00806f05000000"), "--fmspc: expected 6 bytes"},
      {Dcap(report_data_ + "--json --status Splendid"), "no TCB status is called Splendid"},
      {Dcap(report_data_ + "--json --status TDRelaunchAdvised"), "needs a TD report 1.5"},
      {Dcap(report_data_ + "--json --at tomorrow"), "--at"},
      {Dcap(report_data_ + "--json --fault debog"), "did you mean debug?"},
      {Dcap(report_data_ + "--json --fault service_td"), "needs a TD report 1.5"},
      {Dcap(report_data_ + "--json --quote sgx_v3 --fault debug"), "needs a TDX quote"},
      {"nitro --pki " + pki_ + " --json", "--nonce"},
      {"nitro --pki " + pki_ + " --json --nonce xy", "--nonce: expected hexadecimal digits"},
      {"nitro --pki " + pki_ + " --json --nonce 00 --user-data 0", "--user-data: expected hexadecimal digits"},
      {"nitro --pki " + pki_ + " --json --nonce 00 --kind vm", "--kind"},
      {"nitro --pki " + pki_ + " --json --nonce 00 --fault debog", "did you mean debug?"},
  };
  for (const auto& row : rows) {
    const Answer run = Softtee(row.arguments);
    EXPECT_EQ(run.code, 2) << row.arguments << "\n" << run.output;
    EXPECT_THAT(run.output, HasSubstr(row.says)) << row.arguments;
  }
}

TEST_F(Cli, FailsWhereItCannotWrite) {
  ASSERT_TRUE(WriteFile(directory_ / "file", AsBytes("x"), kPublicFile).ok());
  const std::string file = (directory_ / "file").string();
  for (const std::string& arguments : {"pki --dir " + file, "tls --dir " + file, Snp(report_data_ + "--out " + file)}) {
    const Answer run = Softtee(arguments);
    EXPECT_EQ(run.code, 1) << arguments;
    EXPECT_THAT(run.output, HasSubstr(file)) << arguments;
  }
}

}  // namespace
}  // namespace assay::softtee
