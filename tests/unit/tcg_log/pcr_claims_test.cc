// Claims of a TPM's log: what stands on digests, and how whoever writes the log might get round it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/tcg_log/claims.h"
#include "evidence/tcg_log/judge.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::tcg_log {
namespace {

using test::BoundLog;
using test::Measured;
using test::PcrValues;
using test::PlainEvent;
using test::PlainLog;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// The log as whoever keeps it tells it, on the PCRs of what happened.
BoundLog Forged(const PlainLog& happened, const PlainLog& told, std::uint16_t bank = 11) {
  CheckLog checks;
  auto bound = test::BindPcrs(told.Write(), {{bank, happened.Pcrs(bank)}}, checks);
  for (const Finding& finding : checks.findings()) ADD_FAILURE() << Describe(finding);
  ASSAY_CHECK(bound.has_value());
  return *std::move(bound);
}
BoundLog Bound(const PlainLog& log, std::uint16_t bank = 11) { return Forged(log, log, bank); }

std::string TextOf(const BoundLog& bound, std::string_view claim) {
  const auto* text = bound.bundle.claims().Get<std::string>(claim);
  return text == nullptr ? "absent" : *text;
}
Bytes OctetsOf(const BoundLog& bound, std::string_view claim) {
  const auto* octets = bound.bundle.claims().Get<Bytes>(claim);
  return octets == nullptr ? Bytes() : *octets;
}
std::vector<std::string> NamesOf(const BoundLog& bound, std::string_view claim) {
  const auto* names = bound.bundle.claims().Get<trust::Names>(claim);
  return names == nullptr ? std::vector<std::string>{"absent"} : names->names;
}
std::uint64_t UnknownEvents(const BoundLog& bound) { return *bound.bundle.claims().Get<std::uint64_t>(kUnknownSecureBootEventsClaim); }
Bytes Sha256(ByteView bytes) { return ToBytes(crypto::Sha256(bytes)); }
std::string Sha256Text(std::string_view text) { return ToHex(crypto::Sha256(AsBytes(text))); }

// R = SHA256(R || SHA256(measured)) from zero, of these events.
Bytes Chain(const PlainLog& log, const std::vector<std::size_t>& events) {
  Bytes value(32, 0);
  for (const std::size_t i : events) {
    Append(value, PlainLog::DigestOf(11, 32, log.events[i]));
    value = Sha256(value);
  }
  return value;
}

PlainEvent SecureBootVariable(std::string_view value) { return test::InPcr(7, test::Variable(test::kGlobal, "SecureBoot", value)); }

TEST(PcrClaims, OfABoot) {
  const PlainLog log = test::PcrLog();
  const BoundLog bound = Bound(log);
  EXPECT_EQ(TextOf(bound, "log.bank"), "sha256");
  EXPECT_EQ(TextOf(bound, "log.secure_boot"), "true");
  EXPECT_EQ(UnknownEvents(bound), 0U);
  EXPECT_EQ(OctetsOf(bound, "log.pk"), Sha256(log.events[test::kPcrPk].data));
  EXPECT_EQ(OctetsOf(bound, "log.kek"), Sha256(log.events[test::kPcrKek].data));
  EXPECT_EQ(OctetsOf(bound, "log.db"), Sha256(log.events[test::kPcrDb].data));
  EXPECT_EQ(OctetsOf(bound, "log.dbx"), Sha256(log.events[test::kPcrDbx].data));
  EXPECT_THAT(NamesOf(bound, "log.authorities"),
              ElementsAre("SbatLevel:" + Sha256Text("sbat,1,2022052400\n"), "Shim:" + Sha256Text("vendor certificate"),
                          "db:" + Sha256Text("certificate of shim")));
  EXPECT_EQ(OctetsOf(bound, "log.boot_applications"), Chain(log, {test::kPcrShim, test::kPcrGrub, test::kPcrKernel}));
  EXPECT_THAT(NamesOf(bound, "log.boot_images"), UnorderedElementsAre(Sha256Text("shim"), Sha256Text("grub"), Sha256Text("MZ kernel")));
  EXPECT_EQ(TextOf(bound, "log.kernel_cmdline"), "/vmlinuz root=/dev/sda1 ro");
  Bytes chains = Chain(log, {test::kPcrGrubCommand});
  Append(chains, log.Pcrs(11).at(9));
  EXPECT_EQ(OctetsOf(bound, "log.boot_files"), Sha256(chains));
  EXPECT_EQ(TextOf(bound, "log.firmware_version"), "GCE Virtual Firmware v2");
  EXPECT_EQ(TextOf(bound, "log.gce_technology"), "sev");
  EXPECT_EQ(*bound.bundle.claims().Get<std::uint64_t>("log.extend_count"), test::kPcrEvents);
  for (const std::string_view none : {"log.uki", "log.boot_phase", "log.stub_cmdline", "log.firmware_inputs"}) {
    EXPECT_EQ(bound.bundle.claims().Find(none), nullptr) << none;
  }
  for (const trust::Claim& claim : bound.bundle.claims().all()) {
    if (!claim.name.starts_with("log.")) continue;
    EXPECT_EQ(claim.component, "event-log");
    EXPECT_TRUE(std::any_of(ClaimTable().begin(), ClaimTable().end(), [&](const auto& spec) { return spec.name == claim.name; }))
        << claim.name;
  }
}

TEST(PcrClaims, AreOfTheSizeOfTheirBank) {
  for (const auto& [bank, size] : std::vector<std::pair<std::uint16_t, std::size_t>>{{4, 20}, {11, 32}, {12, 48}}) {
    const BoundLog bound = Bound(test::PcrLog(), bank);
    for (const std::string_view claim : {"log.pk", "log.db", "log.boot_applications", "log.boot_files"}) {
      EXPECT_EQ(OctetsOf(bound, claim).size(), size) << claim;
    }
    EXPECT_EQ(TextOf(bound, "log.secure_boot"), "true");
  }
}

TEST(PcrClaims, OfALogWithoutEvents) {
  PlainLog log = test::PcrLog();
  log.events.clear();
  const BoundLog bound = Bound(log);
  EXPECT_EQ(TextOf(bound, "log.secure_boot"), "unknown");
  for (const std::string_view none :
       {"log.pk", "log.boot_applications", "log.boot_files", "log.kernel_cmdline", "log.firmware_version", "log.gce_technology"}) {
    EXPECT_EQ(bound.bundle.claims().Find(none), nullptr) << none;
  }
}

struct SecureBoot {
  const char* name;
  void (*change)(PlainLog&);
  const char* value;
  std::uint64_t unknown_events = 0;
};

TEST(PcrClaims, SecureBootIsKnownOnlyIfAllOfPcr7IsUnderstood) {
  using test::InPcr;
  using test::Variable;
  for (const SecureBoot& c : {
           SecureBoot{"on", [](PlainLog&) {}, "true"},
           SecureBoot{"off", [](PlainLog& log) { log.events[test::kPcrSecureBoot] = SecureBootVariable(std::string_view("\0", 1)); },
                      "false"},
           SecureBoot{"empty", [](PlainLog& log) { log.events[test::kPcrSecureBoot] = SecureBootVariable(""); }, "unknown"},
           SecureBoot{"another value", [](PlainLog& log) { log.events[test::kPcrSecureBoot] = SecureBootVariable("\x02"); }, "unknown"},
           SecureBoot{"two bytes", [](PlainLog& log) { log.events[test::kPcrSecureBoot] = SecureBootVariable("\x01\x01"); }, "unknown"},
           SecureBoot{"another vendor's",
                      [](PlainLog& log) { log.events[test::kPcrSecureBoot] = InPcr(7, Variable(test::kSecurity, "SecureBoot", "\x01")); },
                      "unknown"},
           SecureBoot{"not measured", [](PlainLog& log) { log.events[test::kPcrSecureBoot].type = 3; }, "unknown"},
           SecureBoot{"in another register", [](PlainLog& log) { log.events[test::kPcrSecureBoot].index = 1; }, "unknown"},
           SecureBoot{"data that do not hash to the digest", [](PlainLog& log) { log.events[test::kPcrSecureBoot].measured = {1}; },
                      "unknown", 1},
           SecureBoot{"twice",
                      [](PlainLog& log) { log.events.insert(log.events.begin() + test::kPcrPk, log.events[test::kPcrSecureBoot]); },
                      "unknown", 1},
           SecureBoot{
               "both",
               [](PlainLog& log) { log.events.insert(log.events.begin() + test::kPcrPk, SecureBootVariable(std::string_view("\0", 1))); },
               "unknown", 1},
           SecureBoot{"behind the separator",
                      [](PlainLog& log) { std::swap(log.events[test::kPcrSecureBoot], log.events[test::kPcrSeparator7]); }, "unknown", 5},
           SecureBoot{"a variable behind the separator",
                      [](PlainLog& log) { log.events.push_back(InPcr(7, Variable(test::kGlobal, "AuditMode", "\x01"))); }, "unknown", 1},
           SecureBoot{"no separator", [](PlainLog& log) { log.events[test::kPcrSeparator7].type = 3; }, "unknown"},
           SecureBoot{"separator of an error",
                      [](PlainLog& log) {
                        log.events[test::kPcrSeparator7].data = {1, 0, 0, 0};
                      },
                      "unknown", 1},
           SecureBoot{"separator of ones",
                      [](PlainLog& log) {
                        log.events[test::kPcrSeparator7].data = {0xFF, 0xFF, 0xFF, 0xFF};
                      },
                      "unknown", 1},
           SecureBoot{"separator by another name", [](PlainLog& log) { log.events[test::kPcrSeparator7].type = 0x0D; }, "unknown", 1},
           SecureBoot{"two separators", [](PlainLog& log) { log.events.push_back(test::Separator(7)); }, "unknown", 1},
           SecureBoot{"an unknown type", [](PlainLog& log) { log.events.push_back(Measured(7, 0x77, "anything")); }, "unknown", 1},
           SecureBoot{"a known type of another register", [](PlainLog& log) { log.events.push_back(Measured(7, 0x0D, "MokList")); },
                      "unknown", 1},
           SecureBoot{"an action that none knows", [](PlainLog& log) { log.events.push_back(Measured(7, 0x80000007, "Secure Boot Off")); },
                      "unknown", 1},
           SecureBoot{"debug mode",
                      [](PlainLog& log) { log.events.insert(log.events.begin(), Measured(7, 0x80000007, "UEFI Debug Mode")); }, "unknown"},
           SecureBoot{"no protection from DMA",
                      [](PlainLog& log) { log.events.insert(log.events.begin(), Measured(7, 0x80000007, "DMA Protection Disabled")); },
                      "true"},
           SecureBoot{"on without PK", [](PlainLog& log) { log.events[test::kPcrPk] = InPcr(7, Variable(test::kGlobal, "PK", "")); },
                      "unknown"},
           SecureBoot{"on without KEK", [](PlainLog& log) { log.events[test::kPcrKek].type = 3; }, "unknown"},
           SecureBoot{"on without db", [](PlainLog& log) { log.events[test::kPcrDb] = InPcr(7, Variable(test::kSecurity, "db", "")); },
                      "unknown"},
           SecureBoot{"on without authority",
                      [](PlainLog& log) {
                        for (const auto i : {test::kDbAuthority, test::kSbatLevel, test::kShimAuthority}) log.events[i].type = 3;
                      },
                      "unknown"},
           SecureBoot{"off without keys",
                      [](PlainLog& log) {
                        log.events[test::kPcrSecureBoot] = SecureBootVariable(std::string_view("\0", 1));
                        log.events[test::kPcrPk].type = 3;
                      },
                      "false"},
           SecureBoot{"authority that does not hash to its digest", [](PlainLog& log) { log.events[test::kDbAuthority].measured = {1}; },
                      "unknown", 1},
           SecureBoot{"authority with a tail", [](PlainLog& log) { log.events[test::kDbAuthority].data.push_back(0); }, "unknown", 1},
           SecureBoot{"authority cut in its value",
                      [](PlainLog& log) {
                        PlainEvent& event = log.events[test::kDbAuthority];
                        event.measured.assign(event.data.begin(), event.data.end() - 1);
                      },
                      "unknown", 1},
           SecureBoot{"authority with a long tail", [](PlainLog& log) { log.events[test::kShimAuthority].data.resize(500); }, "unknown", 1},
           SecureBoot{"authority that is no variable",
                      [](PlainLog& log) { log.events[test::kDbAuthority] = Measured(7, 0x800000E0, "db"); }, "unknown", 1},
       }) {
    PlainLog log = test::PcrLog();
    c.change(log);
    const BoundLog bound = Bound(log);
    EXPECT_EQ(TextOf(bound, "log.secure_boot"), c.value) << c.name;
    EXPECT_EQ(UnknownEvents(bound), c.unknown_events) << c.name;
    if (c.unknown_events != 0) { EXPECT_EQ(bound.bundle.claims().Find("log.db"), nullptr) << c.name; }
  }
}

// Firmware without Secure Boot that measures no separator: who runs behind it writes one, and hides what the firmware measured.
TEST(PcrClaims, Attack029_ASeparatorByAnotherHandHidesNothing) {
  PlainLog happened = test::PcrLog();
  happened.events[test::kPcrSecureBoot] = SecureBootVariable(std::string_view("\0", 1));
  happened.events[test::kPcrSeparator7].type = 3;
  happened.events.push_back(SecureBootVariable("\x01"));
  happened.events.push_back(test::Separator(7));
  EXPECT_EQ(TextOf(Bound(happened), "log.secure_boot"), "unknown");
  PlainLog told = happened;
  PlainEvent& hidden = told.events[test::kPcrSecureBoot];
  hidden.measured = hidden.data;
  for (const std::uint32_t type : {0x80000001U, 0x800000E0U, 0x80000007U, 4U, 2U}) {
    hidden.type = type;
    for (const std::string_view data : {"", "harmless", "DMA Protection Disabled"}) {
      hidden.data = ToBytes(AsBytes(data));
      const BoundLog bound = Forged(happened, told);
      EXPECT_EQ(TextOf(bound, "log.secure_boot"), "unknown") << type;
      EXPECT_GT(UnknownEvents(bound), 0U) << type;
    }
  }
}

TEST(PcrClaims, Attack029_NoLabelHidesABootApplication) {
  PlainLog happened = test::PcrLog();
  happened.events[test::kPcrGrub].measured = ToBytes(AsBytes("MZ evil"));
  const Bytes honest = OctetsOf(Bound(happened), "log.boot_applications");
  EXPECT_NE(honest, OctetsOf(Bound(test::PcrLog()), "log.boot_applications"));
  for (const std::uint32_t type : {4U, 5U, 0x80000006U, 0x80000007U, 0xDU}) {
    PlainLog told = happened;
    told.events[test::kPcrGrub].type = type;
    for (const std::string_view data : {"Exit Boot Services Invocation", "EFI PART", "MZ evil"}) {
      told.events[test::kPcrGrub].data = ToBytes(AsBytes(data));
      const BoundLog bound = Forged(happened, told);
      EXPECT_EQ(OctetsOf(bound, "log.boot_applications"), honest) << type << data;
      EXPECT_THAT(NamesOf(bound, "log.boot_images"), ::testing::Contains(Sha256Text("MZ evil")));
    }
  }
}

TEST(PcrClaims, CommandLineAndBootFilesTogetherCanNotBeForged) {
  const BoundLog good = Bound(test::PcrLog());
  const std::string line = "/vmlinuz root=/dev/sda1 ro";
  PlainLog happened = test::PcrLog();
  happened.events[test::kPcrGrubCommand] = Measured(8, 0x0D, std::string("grub_cmd: ").append(line).append(1, '\0'), line);
  happened.events[test::kPcrCommandLine] = test::InPcr(8, test::CommandLine("/vmlinuz init=/bin/sh"));
  PlainLog told = happened;
  told.events[test::kPcrGrubCommand].data = test::CommandLine(line).data;
  told.events[test::kPcrCommandLine].data = ToBytes(AsBytes("font"));
  const BoundLog forged = Forged(happened, told);
  EXPECT_EQ(TextOf(forged, "log.kernel_cmdline"), line);  // evaded
  EXPECT_NE(OctetsOf(forged, "log.boot_files"), OctetsOf(good, "log.boot_files"));
  // The label counts in GRUB's PCR only.
  PlainLog elsewhere = test::PcrLog();
  elsewhere.events[test::kPcrCommandLine].index = 9;
  EXPECT_EQ(TextOf(Bound(elsewhere), "log.kernel_cmdline"), "absent");
}

// What was measured into one of the two registers can't be passed off as measured into the other.
TEST(PcrClaims, BootFilesKeepCommandsAndFilesApart) {
  PlainLog log = test::PcrLog();
  const Bytes good = OctetsOf(Bound(log), "log.boot_files");
  log.events[test::kPcrGrubConfig].index = 8;
  EXPECT_NE(OctetsOf(Bound(log), "log.boot_files"), good);
  log = test::PcrLog();
  std::swap(log.events[test::kPcrGrubConfig], log.events[test::kPcrGrubCommand]);  // another order in the log, the same in each register
  EXPECT_EQ(OctetsOf(Bound(log), "log.boot_files"), good);
}

TEST(PcrClaims, FirmwareCountsBeforeItsSeparatorOnly) {
  struct Changed {
    const char* name;
    void (*change)(PlainLog&);
    const char* version;
    const char* technology;
  };
  for (const Changed& c : {
           Changed{"as it is", [](PlainLog&) {}, "GCE Virtual Firmware v2", "sev"},
           Changed{"none", [](PlainLog& log) { log.events[test::kNonHostInfo].data[16] = 0; }, "GCE Virtual Firmware v2", "none"},
           Changed{"SEV-SNP", [](PlainLog& log) { log.events[test::kNonHostInfo].data[16] = 4; }, "GCE Virtual Firmware v2", "sev_snp"},
           Changed{"one that is not known", [](PlainLog& log) { log.events[test::kNonHostInfo].data[16] = 5; }, "GCE Virtual Firmware v2",
                   "absent"},
           Changed{"too long", [](PlainLog& log) { log.events[test::kNonHostInfo].data.push_back(0); }, "GCE Virtual Firmware v2",
                   "absent"},
           Changed{"data that do not hash to the digest",
                   [](PlainLog& log) {
                     log.events[test::kNonHostInfo].measured = {1};
                     log.events[test::kVersion].measured = {1};
                   },
                   "absent", "absent"},
           Changed{"twice",
                   [](PlainLog& log) {
                     log.events.insert(log.events.begin(), {log.events[test::kVersion], log.events[test::kNonHostInfo]});
                   },
                   "absent", "absent"},
           Changed{"behind the separator", [](PlainLog& log) { std::swap(log.events[test::kVersion], log.events[test::kPcrSeparator0]); },
                   "absent", "absent"},
           Changed{"no separator", [](PlainLog& log) { log.events[test::kPcrSeparator0].type = 3; }, "absent", "absent"},
           Changed{"control characters", [](PlainLog& log) { log.events[test::kVersion].data = test::Utf16("v2\n"); }, "absent", "sev"},
           Changed{"no zero at its end", [](PlainLog& log) { log.events[test::kVersion].data.resize(10); }, "absent", "sev"},
       }) {
    PlainLog log = test::PcrLog();
    c.change(log);
    const BoundLog bound = Bound(log);
    EXPECT_EQ(TextOf(bound, "log.firmware_version"), c.version) << c.name;
    EXPECT_EQ(TextOf(bound, "log.gce_technology"), c.technology) << c.name;
  }
}

TEST(PcrClaims, OfAUnifiedKernelImage) {
  const PlainLog log = test::UkiLog();
  const BoundLog bound = Bound(log);
  EXPECT_THAT(NamesOf(bound, "log.uki_sections"), ElementsAre("initrd", "linux", "osrel"));
  EXPECT_EQ(OctetsOf(bound, "log.uki"), log.Pcrs(11).at(11));
  EXPECT_EQ(TextOf(bound, "log.boot_phase"), "");
  EXPECT_EQ(TextOf(bound, "log.stub_cmdline"), "console=ttyS0");
}

// A second event of PCR 12 might be the command line that was used: credentials and extensions are measured there as well.
TEST(PcrClaims, TheStubsCommandLineStandsAlone) {
  for (const PlainEvent& more :
       {PlainEvent{12, 0x0D, test::Utf16("init=/bin/sh")}, Measured(12, 0x0D, "credentials"), test::Separator(12)}) {
    PlainLog log = test::UkiLog();
    log.events.push_back(more);
    EXPECT_EQ(TextOf(Bound(log), "log.stub_cmdline"), "absent");
  }
  for (const PlainEvent& other :
       {Measured(12, 0x0D, "ascii"), PlainEvent{12, 0x0D, test::Utf16("a\nb")}, PlainEvent{12, 0x0D, test::Utf16("console=ttyS0"), {1}},
        PlainEvent{13, 0x0D, test::Utf16("console=ttyS0")}}) {
    PlainLog log = test::UkiLog();
    log.events.back() = other;
    EXPECT_EQ(TextOf(Bound(log), "log.stub_cmdline"), "absent");
  }
}

// --- appraisal ---

bool Nothing(const void*, std::string_view, const trust::Value&) { return false; }
CheckLog JudgeLog(const BoundLog& bound) {
  CheckLog log;
  Judge(bound.bundle.claims(), {&Nothing, [](const void*, std::string_view) { return false; }, nullptr}, log);
  return log;
}

TEST(PcrJudge, Sha1IsNoGroundToStandOn) {
  EXPECT_TRUE(JudgeLog(Bound(test::PcrLog(), 11)).findings().empty());
  EXPECT_TRUE(JudgeLog(Bound(test::PcrLog(), 12)).findings().empty());
  PlainLog legacy = test::PcrLog();
  legacy.legacy = true;
  for (const BoundLog& bound : {Bound(test::PcrLog(), 4), Bound(legacy, 4)}) {
    EXPECT_EQ(TextOf(bound, "log.secure_boot"), "true");  // read and shown, never trusted
    const CheckLog log = JudgeLog(bound);
    ASSERT_EQ(log.findings().size(), 1U);
    EXPECT_EQ(log.findings().front().reason, Reason::kLogBankWeak);
    EXPECT_EQ(log.findings().front().effect, Effect::kReject);
  }
}

TEST(PcrJudge, NothingUnknownMayStandInPcr7) {
  PlainLog log = test::PcrLog();
  log.events.push_back(Measured(7, 0x0D, "anything"));
  const CheckLog judged = JudgeLog(Bound(log));
  ASSERT_EQ(judged.findings().size(), 1U);
  EXPECT_EQ(judged.findings().front().reason, Reason::kSecureBootEventUnknown);
  EXPECT_EQ(judged.findings().front().effect, Effect::kReject);
}

}  // namespace
}  // namespace assay::tcg_log
