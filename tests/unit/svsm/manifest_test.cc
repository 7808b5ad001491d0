// Manifests of an SVSM by themselves: what is read, and what is none.
#include "evidence/svsm/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "evidence/svsm/format.h"
#include "tests/softtee/svsm_evidence.h"

namespace assay::svsm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::optional<trust::Parsed<Manifest>> Parse(const Bytes& bytes, CheckLog& log) {
  return ManifestParser::Parse(trust::UntrustedBytes(bytes), log);
}

softtee::SvsmManifest Sample() {
  softtee::SvsmManifest manifest;
  manifest.services = {{std::string(softtee::kSvsmVtpmGuid), Bytes{1, 2, 3}}, {std::string(softtee::kSvsmMmGuid), Bytes{4}}};
  return manifest;
}

TEST(SvsmManifest, LaysItselfOutAsTheProtocolSays) {
  const Bytes bytes = Sample().Write();
  const Bytes head(bytes.begin(), bytes.begin() + 48);
  EXPECT_EQ(ToHex(head),
            "bb9e8463923d7046a1ff58f9c94b87bb"
            "4c000000"
            "02000000"
            "ebf176c42301a5459641b4e7dde5bfe3"
            "48000000"
            "03000000");
  CheckLog log;
  const auto manifest = Parse(bytes, log);
  ASSERT_TRUE(manifest);
  EXPECT_FALSE(log.HasRejection());
  const trust::Description description = manifest->Describe();
  EXPECT_EQ(description.value(), "of all services");
  EXPECT_THAT(description.children().back().value(), ToHex(crypto::Sha256(Bytes{1, 2, 3})));
}

TEST(SvsmManifest, OfTheVirtualTpmAloneIsItsKeyAndNothingElse) {
  CheckLog log;
  const auto manifest = Parse(Bytes{9, 9}, log);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->Describe().value(), "of the virtual TPM");
  EXPECT_TRUE(kFormat.media_type_of(trust::UntrustedBytes(Bytes{9, 9})).empty()) << "it looks like nothing in particular";
}

TEST(SvsmManifest, EveryCutIsRefusedAndNamed) {
  const Bytes whole = Sample().Write();
  for (std::size_t size = 16; size < whole.size(); ++size) {
    CheckLog log;
    EXPECT_FALSE(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), log)) << size;
    ASSERT_TRUE(log.HasRejection()) << size;
    EXPECT_EQ(log.findings().front().reason, Reason::kSvsmManifestMalformed) << size;
    EXPECT_FALSE(log.findings().front().expected.empty() || log.findings().front().actual.empty()) << size;
  }
}

TEST(SvsmManifest, OneByteMoreOrNoneIsRefused) {
  CheckLog log;
  EXPECT_FALSE(Parse({}, log));
  softtee::SvsmManifest longer = Sample();
  longer.services.back().data = Bytes(kMostManifestBytes, 1);
  EXPECT_FALSE(Parse(longer.Write(), log));
  longer.services.back().data.resize(kMostManifestBytes - 75);
  CheckLog at_limit;
  EXPECT_TRUE(Parse(longer.Write(), at_limit)) << "at the limit";
}

TEST(SvsmManifest, TheCommitmentIsOverNonceAndManifest) {
  const Bytes nonce(64, 7), manifest = Sample().Write();
  Bytes all = nonce;
  Append(all, manifest);
  EXPECT_EQ(ToBytes(CommitmentTo(nonce, manifest)), softtee::TpmHash(softtee::kTpmSha512, all));
}

TEST(SvsmManifest, InspectSaysWhatIsWrong) {
  Bytes bytes = Sample().Write();
  ++bytes[20];
  const auto description = kFormat.describe(trust::UntrustedBytes(bytes));
  ASSERT_TRUE(description);
  EXPECT_TRUE(description->malformed());
  EXPECT_THAT(description->children().front().value(), HasSubstr("svsm_manifest_malformed"));
}

}  // namespace
}  // namespace assay::svsm
