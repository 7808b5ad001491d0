#include "evidence/dcap/judge.h"

#include <gtest/gtest.h>

#include <functional>

#include "evidence/dcap/format.h"
#include "tests/unit/dcap/minted_tcb.h"
#include "trust/bundle.h"

namespace assay::dcap {
namespace {

struct Judged {
  CheckLog log;
  const Finding* FindingOf(std::string_view claim) const {
    for (const Finding& finding : log.findings()) {
      if (finding.claim == claim) return &finding;
    }
    return nullptr;
  }
};

bool Nothing(const void*, std::string_view, const trust::Value&) { return false; }
bool PinsNothing(const void*, std::string_view) { return false; }
bool PinsInstance(const void*, std::string_view claim) { return claim == "dcap.platform_instance_id"; }

trust::Bundle BundleOf(const test::MintOptions& options, const trust::CollateralSnapshot& collateral = {}) {
  const std::vector<evidence::Item> items{{std::string(kQuoteMediaType), trust::UntrustedBytes(test::Mint(options))}};
  const trust::AnchorSet anchors = test::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  const auto quote =
      AuthenticateQuote(items, {.anchors = anchors, .collateral = collateral, .challenge = challenge, .caches = nullptr}, log);
  return trust::Bundle::Carry(*quote, challenge, log).value();
}

Judged JudgeBody(const test::PlainQuote& kind, const std::function<void(Bytes& body)>& change) {
  test::MintOptions options;
  options.kind = kind;
  options.body = change;
  Judged judged;
  Judge(BundleOf(options).claims(), {&Nothing, &PinsNothing, nullptr}, judged.log);
  return judged;
}

TEST(DcapJudge, KnownBitsPass) {
  const Judged judged = JudgeBody(test::TdxV4(), [](Bytes& body) {
    body[123] = 0xF8;  // LASS, SEPT_VE_DISABLE, MIGRATABLE, PKS, KL
    body[127] = 0xC0;  // TPA, PERFMON
    body[128] = 0xE7;
    body[129] = 0xDB;
    body[130] = 0x06;
  });
  EXPECT_TRUE(judged.log.findings().empty());
}

TEST(DcapJudge, UnknownBitsOfEnclavesAreRefused) {
  for (const test::PlainQuote& kind : {test::SgxV3(), test::SgxV4(), test::SgxV5()}) {
    const Judged judged = JudgeBody(kind, [](Bytes& body) {
      body[48] = 0xF7;  // INIT, DEBUG, MODE64BIT, PROVISIONKEY, EINITTOKEN_KEY, CET, KSS
      body[49] = 0x04;  // AEXNOTIFY
      body[56] = 0xFF;  // x87, SSE, AVX, MPX, AVX-512
      body[57] = 0x02;  // PKRU
      body[58] = 0x06;  // AMX
    });
    EXPECT_TRUE(judged.log.findings().empty());
    EXPECT_EQ(judged.log.records().size(), 4u) << "quoting enclave (two), flags and XFRM; without documents no status";
  }
  for (unsigned bit = 0; bit < 64; ++bit) {
    const auto refused = [bit](std::size_t field) {
      const Judged judged = JudgeBody(test::SgxV3(), [=](Bytes& body) {
        body[48] = 0x01;
        body[56] = 0x03;
        body[field + bit / 8] = static_cast<std::uint8_t>(body[field + bit / 8] | 1U << bit % 8);
      });
      const Finding* finding = judged.FindingOf("dcap.attributes");
      if (finding != nullptr) {
        EXPECT_EQ(finding->reason, Reason::kUnknownBits);
        EXPECT_EQ(finding->effect, Effect::kReject);
      }
      return finding != nullptr;
    };
    EXPECT_EQ(refused(48), bit == 3 || bit == 8 || bit == 9 || bit > 10) << "flag " << bit;
    EXPECT_EQ(refused(56), bit == 8 || (bit >= 10 && bit <= 16) || bit > 18) << "XFRM " << bit;
  }
  EXPECT_NE(JudgeBody(test::SgxV3(), [](Bytes& body) { body[56] = 3; }).FindingOf("dcap.attributes"), nullptr) << "INIT clear";
  EXPECT_NE(JudgeBody(test::SgxV3(),
                      [](Bytes& body) {
                        body[48] = 1;
                        body[56] = 1;
                      })
                .FindingOf("dcap.attributes"),
            nullptr)
      << "SSE off";
  EXPECT_NE(JudgeBody(test::SgxV3(),
                      [](Bytes& body) {
                        body[48] = 1;
                        body[56] = 2;
                      })
                .FindingOf("dcap.attributes"),
            nullptr)
      << "x87 off";
}

TEST(DcapJudge, NoPolicyCanAcceptARevokedOrUnknownTcb) {
  struct Case {
    std::string_view platform_status;
    unsigned module_svn;
    bool acceptable;
  };
  for (const Case& c : {Case{"UpToDate", 6, true}, Case{"OutOfDateConfigurationNeeded", 6, true}, Case{"OutOfDate", 4, true},
                        Case{"Revoked", 6, false}, Case{"UpToDate", 1, false}}) {
    test::TcbOptions documents;
    const std::string status = "UpToDate";
    documents.info.replace(documents.info.rfind(status), status.size(), c.platform_status);
    test::MintOptions options = test::UpToDate();
    options.body = [&, before = options.body](Bytes& body) {
      before(body);
      body[0] = static_cast<std::uint8_t>(c.module_svn);
      body[128] = 3;
    };
    Judged judged;
    Judge(BundleOf(options, trust::CollateralSnapshot(test::TcbDocuments(documents))).claims(), {&Nothing, &PinsNothing, nullptr},
          judged.log);
    const Finding* finding = judged.FindingOf("dcap.tcb_status");
    EXPECT_EQ(finding == nullptr, c.acceptable) << c.platform_status << c.module_svn;
    if (finding == nullptr) continue;
    EXPECT_EQ(finding->reason, Reason::kTcbUnacceptable);
    EXPECT_EQ(finding->effect, Effect::kReject);
  }
}

TEST(DcapJudge, UnknownBitsAreRefused) {
  // Attributes 8 to 26 and 32 to 61; XFAM beyond its mask; x87 and SSE off.
  for (unsigned bit = 8; bit < 64; ++bit) {
    const bool known = (bit >= 27 && bit <= 31) || bit >= 62;
    static unsigned the_bit;
    the_bit = bit;
    const Judged judged = JudgeBody(test::TdxV4(), [](Bytes& body) {
      body[128] = 3;
      body[120 + the_bit / 8] = static_cast<std::uint8_t>(1U << the_bit % 8);
    });
    const Finding* finding = judged.FindingOf("dcap.td_attributes");
    EXPECT_EQ(finding == nullptr, known) << bit;
    if (finding != nullptr) {
      EXPECT_EQ(finding->reason, Reason::kUnknownBits);
      EXPECT_EQ(finding->effect, Effect::kReject);
    }
  }
  for (const unsigned bit : {3U, 4U, 10U, 13U, 16U, 19U, 20U, 63U}) {
    static unsigned the_bit;
    the_bit = bit;
    const Judged judged = JudgeBody(test::TdxV4(), [](Bytes& body) {
      body[128] = 3;
      body[128 + the_bit / 8] = static_cast<std::uint8_t>(body[128 + the_bit / 8] | 1U << the_bit % 8);
    });
    EXPECT_NE(judged.FindingOf("dcap.xfam"), nullptr) << bit;
  }
  EXPECT_NE(JudgeBody(test::TdxV4(), [](Bytes& body) { body[128] = 1; }).FindingOf("dcap.xfam"), nullptr);
  EXPECT_NE(JudgeBody(test::TdxV4(), nullptr).FindingOf("dcap.xfam"), nullptr);
}

// Such a quote is authentic, and worth nothing.
TEST(DcapJudge, OnlyProductionModulesAndQuotingEnclavesPass) {
  const auto qe = [](std::size_t offset, std::uint8_t flip) {
    test::MintOptions options;
    options.qe_report = [=](Bytes& report) { report[offset] = static_cast<std::uint8_t>(report[offset] ^ flip); };
    return options;
  };
  const auto td = [](std::size_t offset, std::uint8_t value) {
    test::MintOptions options;
    options.body = [=](Bytes& body) { body[offset] = value; };
    return options;
  };
  const struct {
    std::string_view what;
    test::MintOptions options;
    std::string_view claim;
    Reason reason;
  } cases[] = {
      {"first byte behind the commitment", qe(352, 1), "dcap.qe_report_data_tail", Reason::kQuotingEnclaveReport},
      {"last byte behind the commitment", qe(383, 0x80), "dcap.qe_report_data_tail", Reason::kQuotingEnclaveReport},
      {"QE in debug mode", qe(48, 0x02), "dcap.qe_debug", Reason::kQuotingEnclaveDebug},
      {"SEAMATTRIBUTES first byte", td(112, 1), "dcap.seam_attributes", Reason::kTdxModuleNotProduction},
      {"SEAMATTRIBUTES last byte", td(119, 0x80), "dcap.seam_attributes", Reason::kTdxModuleNotProduction},
      {"MRSIGNERSEAM first byte", td(64, 1), "dcap.mrsignerseam", Reason::kTdxModuleNotProduction},
      {"MRSIGNERSEAM last byte", td(111, 1), "dcap.mrsignerseam", Reason::kTdxModuleNotProduction},
  };
  for (const auto& one : cases) {
    Judged judged;
    Judge(BundleOf(one.options).claims(), {&Nothing, &PinsNothing, nullptr}, judged.log);
    const Finding* finding = judged.FindingOf(one.claim);
    ASSERT_NE(finding, nullptr) << one.what;
    EXPECT_EQ(finding->reason, one.reason) << one.what;
    EXPECT_EQ(finding->effect, Effect::kReject) << one.what;
  }
}

TEST(DcapJudge, ATdInitialisedElsewhereIsUndecided) {
  EXPECT_EQ(JudgeBody(test::TdxV5(4), [](Bytes& body) { body[128] = 3; }).FindingOf("dcap.init_tee_tcb_svn"), nullptr);
  const Judged judged = JudgeBody(test::TdxV5(4), [](Bytes& body) {
    body[128] = 3;
    body[816] = 1;
  });
  ASSERT_NE(judged.FindingOf("dcap.init_tee_tcb_svn"), nullptr);
  EXPECT_EQ(judged.FindingOf("dcap.init_tee_tcb_svn")->reason, Reason::kInitialTcbUnjudged);
  EXPECT_EQ(judged.FindingOf("dcap.init_tee_tcb_svn")->effect, Effect::kIndeterminate);
}

TEST(DcapJudge, ProvenanceNeedsAPinnedMachine) {
  const trust::Bundle bundle = BundleOf({});
  EXPECT_EQ(ProvenanceOf(bundle.claims(), {&Nothing, &PinsNothing, nullptr}), evidence::Provenance::kInferred);
  EXPECT_EQ(ProvenanceOf(bundle.claims(), {&Nothing, &PinsInstance, nullptr}), evidence::Provenance::kProven);
  test::MintOptions processor;
  processor.platform_ca = false;  // has no platform instance
  EXPECT_EQ(ProvenanceOf(BundleOf(processor).claims(), {&Nothing, &PinsInstance, nullptr}), evidence::Provenance::kInferred);
}

}  // namespace
}  // namespace assay::dcap
