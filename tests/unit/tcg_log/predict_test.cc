// PCRs foretold, against chains written down here and against logs of real machines.
#include "evidence/tcg_log/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/tcg_log/event_data.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/unit/tcg_log/plain_log.h"
#include "tests/unit/tcg_log/plain_pe.h"
#include "tests/vectors_dir.h"

namespace assay::tcg_log {
namespace {

using test::PlainPe;
using ::testing::HasSubstr;

constexpr crypto::HashAlgorithm kHash = crypto::HashAlgorithm::kSha256;

Bytes Sha256(ByteView bytes) { return ToBytes(crypto::Sha256(bytes)); }
Bytes Chain(const std::vector<Bytes>& measured) {
  Bytes value(32, 0);
  for (const Bytes& one : measured) {
    Append(value, Sha256(one));
    value = Sha256(value);
  }
  return value;
}
Bytes Text(std::string_view text) { return ToBytes(AsBytes(text)); }
Bytes Zeroed(std::string_view text) { return Text(std::string(text).append(1, '\0')); }

PeImage Read(const Bytes& image) {
  auto read = ReadPeImage(image);
  for (const Finding& finding : read ? std::span<const Finding>() : std::span<const Finding>(read.findings())) {
    ADD_FAILURE() << Describe(finding);
  }
  return std::move(read).value();
}

TEST(PeImage, AuthenticodeLeavesOutWhatASignatureChanges) {
  for (const bool plus : {true, false}) {
    PlainPe pe = test::Uki();
    pe.plus = plus;
    const Bytes bare = pe.Write();
    const Bytes digest = AuthenticodeDigest(Read(bare), kHash);
    // Everything but the check sum (4 bytes) and the directory entry (8), by hand.
    const std::size_t check_sum = 0x80 + 24 + 64, entry = 0x80 + 24 + (plus ? 112 : 96) + 32;
    Bytes covered(bare.begin(), bare.begin() + static_cast<std::ptrdiff_t>(check_sum));
    covered.insert(covered.end(), bare.begin() + static_cast<std::ptrdiff_t>(check_sum + 4),
                   bare.begin() + static_cast<std::ptrdiff_t>(entry));
    covered.insert(covered.end(), bare.begin() + static_cast<std::ptrdiff_t>(entry + 8), bare.end());
    EXPECT_EQ(digest, Sha256(covered));
    pe.check_sum = 0x12345678;
    pe.certificates = Bytes(1000, 0xCE);
    EXPECT_EQ(AuthenticodeDigest(Read(pe.Write()), kHash), digest);
  }
}

TEST(PeImage, EveryOtherByteIsCovered) {
  PlainPe pe = test::Uki();
  pe.certificates = Bytes(64, 0xCE);
  pe.behind = Bytes(24, 0xBE);
  const Bytes image = pe.Write();
  const Bytes digest = AuthenticodeDigest(Read(image), kHash);
  std::size_t uncovered = 0;
  for (std::size_t at = 0; at < image.size(); ++at) {
    Bytes changed = image;
    changed[at] ^= 1;
    const auto read = ReadPeImage(changed);
    uncovered += read && AuthenticodeDigest(*read, kHash) == digest;
  }
  EXPECT_EQ(uncovered, 4U + 64U);  // an entry that is changed does not point to the end
}

TEST(PeImage, RefusesWhatIsNone) {
  struct Broken {
    const char* name;
    std::function<void(PlainPe&)> change;
    std::function<void(Bytes&)> patch;
    const char* field;
  };
  const auto nothing = [](auto&) {};
  for (const Broken& c : {
           Broken{"no bytes", nothing, [](Bytes& image) { image.clear(); }, "signature"},
           Broken{"no MZ", nothing, [](Bytes& image) { image[0] = 'Z'; }, "signature"},
           Broken{"header elsewhere", nothing, [](Bytes& image) { PlainPe::Put(image, 0x3C, 4, 0xFFFFFFFF); }, "e_lfanew"},
           Broken{"no PE", nothing, [](Bytes& image) { image[0x81] = 'X'; }, "e_lfanew"},
           Broken{"neither PE32 nor PE32+", nothing, [](Bytes& image) { image[0x98] = 0; }, "Magic"},
           Broken{"more sections than there are", [](PlainPe& pe) { pe.section_count = 96; }, [](Bytes& image) { image.resize(0x600); },
                  "SizeOfOptionalHeader"},
           Broken{"sections beyond the limit", [](PlainPe& pe) { pe.section_count = 97; }, nothing, "NumberOfSections"},
           Broken{"headers beyond the image", [](PlainPe& pe) { pe.headers_size = 0xFFFFFFFF; }, nothing, "SizeOfHeaders"},
           Broken{"headers shorter than they are", [](PlainPe& pe) { pe.headers_size = 0x100; }, nothing, "SizeOfHeaders"},
           Broken{"more directories than there are", [](PlainPe& pe) { pe.directories = 17; },
                  [](Bytes& image) { PlainPe::Put(image, 0x80 + 20, 2, 112); }, "NumberOfRvaAndSizes"},
           Broken{"a tiny optional header", nothing, [](Bytes& image) { PlainPe::Put(image, 0x80 + 20, 2, 2); }, "SizeOfOptionalHeader"},
           Broken{"certificates not at the end", [](PlainPe& pe) { pe.certificates = Bytes(64, 1); },
                  [](Bytes& image) { image.push_back(0); }, "certificate table"},
           Broken{"a section beyond the image", [](PlainPe& pe) { pe.sections[0].raw_size = 0x7FFFFFFF; }, nothing, "section .text"},
           Broken{"a section in the headers", [](PlainPe& pe) { pe.sections[0].at = 0x200; }, nothing, "section .text"},
           Broken{"sections that overlap", [](PlainPe& pe) { pe.sections[1].at = 0x600; }, nothing, "section"},
       }) {
    PlainPe pe = test::Uki();
    c.change(pe);
    Bytes image = pe.Write();
    c.patch(image);
    const auto read = ReadPeImage(image);
    ASSERT_FALSE(read) << c.name;
    EXPECT_THAT(read.findings().front().claim, HasSubstr(c.field)) << c.name;
    EXPECT_FALSE(read.findings().front().actual.empty()) << c.name;
  }
}

TEST(PeImage, EveryTruncationOfItsHeadersIsRefused) {
  const Bytes image = test::Uki().Write();
  for (std::size_t size = 0; size < image.size(); size += size < 0x600 ? 1 : 128) {
    EXPECT_FALSE(ReadPeImage(ByteView(image).first(size))) << size;
  }
}

TEST(Predict, ApplicationsInOrder) {
  const Bytes one = test::Uki().Write();
  PlainPe second = test::Uki();
  second.plus = false;
  const Bytes other = second.Write();
  const std::vector<PeImage> images = {Read(one), Read(other)};
  PcrChain chain(kHash);
  chain.Measure(AsBytes("Calling EFI Application from Boot Option")).Measure(Bytes(4, 0));
  chain.Extend(AuthenticodeDigest(images[0], kHash)).Extend(AuthenticodeDigest(images[1], kHash));
  EXPECT_EQ(PredictApplications(kHash, images), chain.value());
  EXPECT_NE(PredictApplications(kHash, std::vector<PeImage>{images[1], images[0]}), chain.value());
}

TEST(Predict, SectionsOfAUnifiedKernelImageInTheStubsOrder) {
  const Bytes uki = test::Uki().Write();
  std::vector<Bytes> measured = {Zeroed(".linux"),   Text("MZ kernel"),        Zeroed(".osrel"),  Text("ID=debian"),
                                 Zeroed(".cmdline"), Text("root=/dev/vda ro"), Zeroed(".initrd"), Bytes(600, 7)};
  EXPECT_EQ(PredictUki(kHash, Read(uki), {}).value(), Chain(measured));
  measured.push_back(Text("enter-initrd"));
  EXPECT_EQ(PredictUki(kHash, Read(uki), std::vector<std::string>{"enter-initrd"}).value(), Chain(measured));
}

TEST(Predict, RefusesAnImageOfWhichMoreThanOneValueCouldFollow) {
  PlainPe twice = test::Uki();
  twice.sections.push_back({".cmdline", Text("init=/bin/sh")});
  PlainPe larger = test::Uki();
  larger.sections[2].virtual_size = 4096;
  PlainPe none = test::Uki();
  std::erase_if(none.sections, [](const test::PlainSection& section) { return section.name == ".linux"; });
  for (const auto& [pe, section] :
       std::vector<std::pair<PlainPe, std::string>>{{twice, ".cmdline"}, {larger, ".cmdline"}, {none, ".linux"}}) {
    const Bytes image = pe.Write();
    const auto value = PredictUki(kHash, Read(image), {});
    ASSERT_FALSE(value);
    EXPECT_EQ(value.findings().front().reason, Reason::kFieldInvalid);
    EXPECT_EQ(value.findings().front().claim, Cat("section ", section));
  }
}

// The log of such a boot replays to what was foretold.
TEST(Predict, IsWhatALogReplaysTo) {
  const test::PlainLog log = test::PcrLog();
  SecureBootVariables variables{.pk = Text("platform key"), .kek = Text("exchange key"), .db = Text("allowed"), .dbx = {}};
  EXPECT_NE(PredictSecureBoot(kHash, variables), log.Pcrs(11).at(7));
  test::PlainLog without_shim = log;
  for (const auto event : {test::kSbatLevel, test::kShimAuthority}) without_shim.events[event].type = 3;
  variables.authorities = {{"db", Text("certificate of shim")}};
  EXPECT_EQ(PredictSecureBoot(kHash, variables), without_shim.Pcrs(11).at(7));
  variables.enabled = false;
  EXPECT_NE(PredictSecureBoot(kHash, variables), without_shim.Pcrs(11).at(7));
  EXPECT_EQ(PredictStub(kHash, "console=ttyS0"), test::UkiLog().Pcrs(11).at(12));
  EXPECT_EQ(PredictLinuxStub(kHash, "", std::vector<Bytes>{Text("one"), Text("two")}), Chain({Text("one"), Text("two")}));
  EXPECT_EQ(PredictLinuxStub(kHash, "ro", std::vector<Bytes>{Text("one")}), Chain({{'r', 0, 'o', 0, 0, 0}, Text("one")}));
}

std::map<std::uint32_t, Bytes> PcrsIn(const std::filesystem::path& path) {
  const auto tree = json::Parse(AsText(assay::test::ReadFile(path)));
  const json::Value* bank = tree->Find("sha256");
  std::map<std::uint32_t, Bytes> pcrs;
  for (const json::Member& member : *(bank == nullptr ? *tree : *bank).AsObject()) {
    pcrs[static_cast<std::uint32_t>(std::stoul(member.name))] = *FromHex(*member.value.AsString());
  }
  return pcrs;
}

// What real machines booted with, taken from their authenticated logs, foretells what their TPMs hold.
TEST(Predict, MeetsRealMachines) {
  ASSAY_VECTORS_OR_SKIP(dir);
  struct Machine {
    const char *log, *pcrs;
    std::optional<std::string> stub_command_line_begins;
  };
  for (const Machine& machine :
       {Machine{"gcp/eventlogs/cos101_sev_eventlog.bin", "gcp/eventlogs/cos101_sev_pcrs.json", {}},
        Machine{"gcp/eventlogs/rhel8_eventlog.bin", "gcp/eventlogs/rhel8_pcrs.json", {}},
        Machine{"gcp/eventlogs/sp800155_eventlog.bin", "gcp/eventlogs/sp800155_pcrs.json", {}},
        Machine{"gcp/eventlogs/ubuntu2104_nosb_eventlog.bin", "gcp/eventlogs/ubuntu2104_nosb_pcrs.json", {}},
        Machine{"constellation/aws-snp-2023-06/eventlog.bin", "constellation/aws-snp-2023-06/pcrs_sha256.json", "roothash="}}) {
    const auto pcrs = PcrsIn(dir / machine.pcrs);
    CheckLog checks;
    const auto bound = test::BindPcrs(assay::test::ReadFile(dir / machine.log), {{11, pcrs}}, checks);
    ASSERT_TRUE(bound) << machine.log;
    SecureBootVariables variables;
    for (const Event& event : bound->events->events()) {
      const auto variable = event.register_index == 7 ? ReadVariable(event.data) : std::nullopt;
      if (!variable) continue;
      const Bytes value = ToBytes(variable->value);
      if (event.type == EventType::kVariableAuthority) variables.authorities.emplace_back(variable->name, value);
      else if (variable->name == "SecureBoot") variables.enabled = value == Bytes{1};
      else
        (variable->name == "PK"    ? variables.pk
         : variable->name == "KEK" ? variables.kek
         : variable->name == "db"  ? variables.db
                                   : variables.dbx) = value;
    }
    EXPECT_EQ(PredictSecureBoot(kHash, variables), pcrs.at(7)) << machine.log;
    const auto* line = bound->bundle.claims().Get<std::string>("log.stub_cmdline");
    ASSERT_EQ(line != nullptr, machine.stub_command_line_begins.has_value()) << machine.log;
    if (line == nullptr) continue;
    EXPECT_THAT(*line, HasSubstr(*machine.stub_command_line_begins));
    EXPECT_EQ(PredictStub(kHash, *line), pcrs.at(12)) << machine.log;
  }
}

}  // namespace
}  // namespace assay::tcg_log
