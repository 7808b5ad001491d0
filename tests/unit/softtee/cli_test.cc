// The program as scripts call it: output, files, exit codes.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>

#include "base/hex.h"
#include "tests/places/places.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/file.h"
#include "tests/softtee/gce_evidence.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"

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
  for (const char* type : {"application/json", "application/pem-certificate-chain", "application/pkix-crl"}) {
    EXPECT_THAT(run.output, HasSubstr(type));
  }
}

TEST_F(Cli, WritesQuoteAndDocuments) {
  const std::string out = (directory_ / "out").string();
  const Answer run =
      Softtee(Dcap(report_data_ + "--quote tdx_v5_td15 --mrtd " + std::string(96, '7') + " --evaluation-numbers --out " + out));
  EXPECT_EQ(run.code, 0) << run.output;
  for (const char* name :
       {"tcb_info.json", "qe_identity.json", "evaluation_numbers.json", "tcb_signing_chain.pem", "root_crl.der", "pck_crl.der"}) {
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

// Of a run with --json; "": there is no such member.
std::string MemberOf(const Answer& run, const std::string& name) {
  const std::string before = "\"" + name + "\":\"";
  const std::size_t at = run.output.find(before);
  return at == std::string::npos ? ""
                                 : run.output.substr(at + before.size(), run.output.find('"', at + before.size()) - at - before.size());
}

TEST_F(Cli, PrintsATpmsEvidenceWithTheKeysThatVouchForIt) {
  const std::string tpm = "tpm --pki " + pki_ + " --nonce 5a5a --json --machine cli-test --platform ";
  const struct {
    const char* platform;
    bool certificates, endorsed, log;
  } rows[] = {{"qemu_vtpm", true, true, true}, {"gcp_shielded_vm", true, false, true}, {"azure_trusted_launch", true, false, false}};
  for (const auto& row : rows) {
    const Answer run = Softtee(tpm + row.platform);
    EXPECT_EQ(run.code, 0) << run.output;
    EXPECT_THAT(run.output, StartsWith(R"({"items":[{"media_type":"application/vnd.assay.tpm-quote","body":")")) << row.platform;
    for (const char* type : {"tpm-pcrs", "tpm-ak"}) EXPECT_THAT(run.output, HasSubstr(type)) << row.platform;
    EXPECT_EQ(run.output.find("pkix-cert") != std::string::npos, row.certificates) << row.platform;
    EXPECT_EQ(run.output.find("tcg-event-log") != std::string::npos, row.log) << row.platform;
    EXPECT_NE(MemberOf(run, "attestation_key"), "") << row.platform;
    EXPECT_EQ(!MemberOf(run, "endorsement_key").empty(), row.endorsed) << row.platform;
    EXPECT_EQ(!MemberOf(run, "endorsement_certificate").empty(), row.endorsed) << row.platform;
    EXPECT_EQ(MemberOf(run, "activation_secret"), "") << "none was sealed";
  }
}

TEST_F(Cli, AMachineIsKnownByItsName) {
  const auto key = [&](const std::string& arguments) { return MemberOf(Softtee(arguments + " --json --pki " + pki_), "attestation_key"); };
  const std::string tpm = "tpm --platform qemu_vtpm --nonce ", zeros(128, '0');
  const std::string ours = key(tpm + "00 --machine cli-test");
  EXPECT_EQ(key(tpm + "01 --machine cli-test"), ours) << "whatever it answers";
  EXPECT_EQ(key(tpm + "00 --machine other --machine cli-test"), ours) << "the last counts";
  EXPECT_EQ(key("azure --nonce 00 --machine cli-test"), ours);
  EXPECT_EQ(key("gce --nonce 00 --report-data " + zeros + " --machine cli-test"), ours);
  EXPECT_NE(key(tpm + "00 --machine cli-test-2"), ours);
  EXPECT_NE(key(tpm + "00 --machine ../cli-test"), ours) << "no name is a path";
  // Its key in the challenge is what the fault makes of it.
  EXPECT_EQ(key("gce --nonce 00 --report-data " + zeros + " --machine cli-test --fault transcript_without_ak"), "");
  EXPECT_NE(key("gce --nonce 00 --report-data " + zeros + " --machine cli-test --fault transcript_of_other_ak"), ours);
}

TEST_F(Cli, WritesATpmsEvidenceAndKeys) {
  const Answer run =
      Softtee("tpm --pki " + pki_ + " --nonce 5a5a --machine cli-test --platform qemu_vtpm --out " + (directory_ / "out").string());
  EXPECT_EQ(run.code, 0) << run.output;
  for (const char* name :
       {"tpm-quote.0", "tpm-pcrs.1", "tpm-ak.2", "pkix-cert.3", "attestation_key.pub", "endorsement_key.pub", "endorsement_key.der"}) {
    EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / name)) << name;
  }
  EXPECT_EQ(ReadFile(directory_ / "out" / "tpm-ak.2").value(), ReadFile(directory_ / "out" / "attestation_key.pub").value());
}

TEST_F(Cli, AnswersWhatIsDemandedOfGooglesMachines) {
  const std::string report_data = ToHex(Ramp<64>(0x80)), out = (directory_ / "out").string();
  const Answer run = Softtee("gce --pki " + pki_ + " --nonce 5a5a --report-data " + report_data + " --out " + out);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(ToHex(ByteView(ReadFile(directory_ / "out" / "item00-vnd.assay.sev-snp-report.bin").value()).subspan(0x050, 64)), report_data);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out" / "transcript"));
}

TEST_F(Cli, PrintsAReportBesideANitroTpmsDocument) {
  const Answer run = Softtee("nitro --pki " + pki_ + " --kind tpm --nonce 5a5a " + report_data_ + "--json");
  EXPECT_EQ(run.code, 0) << run.output;
  for (const char* type : {"nitro-document", "sev-snp-report", "sev-cert-table"}) EXPECT_THAT(run.output, HasSubstr(type));
}

TEST_F(Cli, PkiNamesItsAnchors) {
  const Answer run = Softtee("pki --dir " + pki_);
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.output, pki_ + "/anchors.yaml\n");
  const std::string yaml = std::string(AsText(ReadFile(std::filesystem::path(pki_) / "anchors.yaml").value()));
  std::istringstream lines(SharedAnchorsYaml());
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(yaml, HasSubstr(line + "\n"));
  for (const char* name : {"product: Milan", "product: Turin", "vendor: intel, product: SGX", "vendor: aws, product: nitro",
                           "vendor: operator, product: tpm", "vendor: microsoft, product: tpm", "vendor: google, product: tpm"}) {
    EXPECT_THAT(yaml, HasSubstr(name));
  }
  EXPECT_THAT(yaml, testing::Not(HasSubstr("launch_endorsement"))) << "operators pin it by a file";
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(pki_) / "gce_endorsement_root.der"));
  EXPECT_EQ(Softtee("pki --dir " + pki_).output, run.output);
  EXPECT_EQ(std::string(AsText(ReadFile(std::filesystem::path(pki_) / "anchors.yaml").value())), yaml) << "the same keys again";
}

TEST_F(Cli, ListsFaults) {
  const Answer run = Softtee("faults");
  EXPECT_EQ(run.code, 0);
  for (const FaultEntry& entry : AllFaults()) EXPECT_THAT(run.output, HasSubstr("snp   " + std::string(entry.name) + " "));
  for (const DcapFaultEntry& entry : AllDcapFaults()) EXPECT_THAT(run.output, HasSubstr("dcap  " + std::string(entry.name) + " "));
  for (const NitroFaultEntry& entry : AllNitroFaults()) EXPECT_THAT(run.output, HasSubstr("nitro " + std::string(entry.name) + " "));
  for (const AzureFaultEntry& entry : AllAzureFaults()) EXPECT_THAT(run.output, HasSubstr("azure " + std::string(entry.name) + " "));
  for (const TpmFaultEntry& entry : AllTpmFaults()) EXPECT_THAT(run.output, HasSubstr("tpm   " + std::string(entry.name) + " "));
  for (const GceFaultEntry& entry : AllGceFaults()) EXPECT_THAT(run.output, HasSubstr("gce   " + std::string(entry.name) + " "));
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
      {"azure --pki p --nonce 00", "--json"},
      {"azure --pki p --out x --nonce 00 --id-key-digest 00", "--id-key-digest: expected 48 bytes"},
      {"tpm --pki p --json --nonce 00", "--platform"},
      {"tpm --pki p --json --nonce 00 --platform qemu_sev_snp", "--platform"},
      {"tpm --pki p --json --platform qemu_vtpm", "--nonce"},
      {"tpm --pki p --json --platform qemu_vtpm --nonce 0", "--nonce: expected hexadecimal digits"},
      {"tpm --pki p --platform qemu_vtpm --nonce 00", "--json"},
      {"tpm --json --platform qemu_vtpm --nonce 00", "--pki"},
      {"tpm --pki p --json --platform qemu_vtpm --nonce 00 --fault pcr_chnged", "did you mean pcr_changed?"},
      {"tpm --pki p --json --platform qemu_vtpm --nonce 00 --fault certificate_missing",
       "there is no certificate_missing with --platform qemu_vtpm"},
      {"tpm --pki p --json --platform gcp_shielded_vm --nonce 00 --fault ek_other", "there is no ek_other with --platform gcp_shielded_vm"},
      {"tpm --pki p --json --platform qemu_vtpm --nonce 00 --credential-blob 000100", "--encrypted-secret"},
      {"tpm --pki p --json --platform qemu_vtpm --nonce 00 --credential-blob 0002aa --encrypted-secret 0001aa",
       "--credential-blob: expected a size of two bytes"},
      {"gce --pki p --json --nonce 00", "--report-data"},
      {"gce --pki p --json --report-data " + std::string(128, '0'), "--nonce"},
      {"gce --pki p --json --nonce 00 --report-data 00", "--report-data: expected 64 bytes"},
      {"gce --pki p --json --fault pcr_chnged", "did you mean pcr_changed?"},
      {"nitro --pki p --json --nonce 00 --kind tpm --fault pcrs_missing", "there is no pcrs_missing with --kind tpm"},
      {"nitro --pki p --json --nonce 00 --kind tpm --fault module_of_other_kind", "there is no module_of_other_kind with --kind tpm"},
      {"nitro --pki p --json --nonce 00 --report-data 00", "--report-data: expected 64 bytes"},
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
