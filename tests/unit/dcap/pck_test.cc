// The SGX extension of PCK certificates: complete, strict, nothing twice; checked on minted certificates and on genuine ones.
#include "evidence/dcap/pck.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/der.h"
#include "tests/unit/dcap/minted_quote.h"

namespace assay::dcap {
namespace {

namespace der = softtee::der;

crypto::Certificate PckWith(const Bytes& extension) {
  test::MintOptions options;
  options.pck_certificate = [&](softtee::Certificate& certificate) { certificate.extensions.back().value = extension; };
  return crypto::Certificate::FromDer(test::PckDer(options)).value();
}

TEST(PckExtension, ReadsEveryMember) {
  const auto read = ReadPckExtension(PckWith(test::PlainExtension().Der()));
  ASSERT_TRUE(read.ok()) << Describe(read.findings().front());
  EXPECT_EQ(read->ppid, (ByteArray<16>{0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1, 0xA1}));
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(read->tcb_components[i], (i + 1) * 15) << i;
  EXPECT_EQ(read->pce_svn, 13);
  EXPECT_EQ(ToHex(read->cpu_svn), "18181818181818181818181818181818");
  EXPECT_EQ(ToHex(read->pce_id), "0000");
  EXPECT_EQ(ToHex(read->fmspc), "00806f050000");
  EXPECT_EQ(read->sgx_type, SgxType::kScalable);
  ASSERT_TRUE(read->platform_instance_id && read->configuration);
  EXPECT_EQ(read->platform_instance_id->front(), 0xA6);
  EXPECT_TRUE(read->configuration->dynamic_platform && read->configuration->smt_enabled);
  EXPECT_FALSE(read->configuration->cached_keys);
}

TEST(PckExtension, OrderDoesNotMatterAndTheProcessorCaLeavesTwoMembersOut) {
  test::ExtensionParts parts = test::PlainExtension();
  std::reverse(parts.members.begin(), parts.members.end());
  EXPECT_TRUE(ReadPckExtension(PckWith(parts.Der())).ok());
  const auto processor = ReadPckExtension(PckWith(test::PlainExtension(false).Der()));
  ASSERT_TRUE(processor.ok());
  EXPECT_FALSE(processor->platform_instance_id || processor->configuration);
}

TEST(PckExtension, RefusesWhatIsMissingTwiceOrOfAnotherForm) {
  const test::ExtensionParts sound = test::PlainExtension();
  struct Wrong {
    std::string name;
    Bytes extension;
  };
  std::vector<Wrong> wrongs;
  for (std::size_t i = 0; i < sound.members.size(); ++i) {
    test::ExtensionParts parts = sound;
    parts.members.erase(parts.members.begin() + static_cast<std::ptrdiff_t>(i));
    wrongs.push_back({Cat("without member ", i + 1), parts.Der()});
    parts = sound;
    parts.members.push_back(sound.members[i]);
    wrongs.push_back({Cat("member ", i + 1, " twice"), parts.Der()});
  }
  const auto with = [&](std::string name, std::size_t number, Bytes member) {
    test::ExtensionParts parts = sound;
    parts.members[number - 1] = std::move(member);
    wrongs.push_back({std::move(name), parts.Der()});
  };
  with("PPID of 15 bytes", 1, test::Member("1", der::OctetString(Bytes(15, 1))));
  with("PPID of 17 bytes", 1, test::Member("1", der::OctetString(Bytes(17, 1))));
  with("PPID as an integer", 1, test::Member("1", der::Integer(1)));
  with("PCEID of 3 bytes", 3, test::Member("3", der::OctetString(Bytes(3, 0))));
  with("FMSPC of 5 bytes", 4, test::Member("4", der::OctetString(Bytes(5, 0))));
  with("SGX type 3", 5, test::Member("5", der::Element(0x0A, Bytes{3})));
  with("SGX type as an INTEGER", 5, test::Member("5", der::Integer(1)));
  with("platform instance id of 1 byte", 6, test::Member("6", der::OctetString(Bytes{1})));
  with("configuration empty", 7, test::Member("7", der::Element(0x30, {})));
  with("configuration BOOLEAN of value 1", 7, test::Member("7", der::Element(0x30, test::Member("7.1", der::Element(0x01, Bytes{1})))));
  with("OID of another arc", 4, der::Sequence({der::Oid("1.2.840.113741.1.13.2.4"), der::OctetString(Bytes(6, 0))}));
  with("OID of the arc itself", 4, der::Sequence({der::Oid("1.2.840.113741.1.13.1"), der::OctetString(Bytes(6, 0))}));
  with("third part in a member", 4, der::Sequence({der::Oid("1.2.840.113741.1.13.1.4"), der::OctetString(Bytes(6, 0)), der::Null()}));
  with("member that is no SEQUENCE", 4, der::OctetString(Bytes(6, 0)));
  test::ExtensionParts more = sound;
  more.members.push_back(test::Member("8", der::Integer(1)));
  wrongs.push_back({"unknown member 8", more.Der()});

  const auto tcb_with = [&](std::string name, unsigned number, const Bytes& value, bool extra = false) {
    Bytes tcb;
    for (unsigned i = 1; i <= 18; ++i) {
      const Bytes plain = i == 18 ? der::OctetString(Bytes(16, 0x18)) : der::Integer(1);
      if (i != number || extra) Append(tcb, test::Member(Cat("2.", i), plain));
      if (i == number && !value.empty()) Append(tcb, test::Member(Cat("2.", i), value));
    }
    with(std::move(name), 2, test::Member("2", der::Element(0x30, tcb)));
  };
  for (unsigned i = 1; i <= 18; ++i) tcb_with(Cat("TCB without member ", i), i, {});
  tcb_with("component 256", 16, der::Integer(256));
  tcb_with("component negative", 1, Bytes{2, 1, 0x80});
  tcb_with("component with a leading zero", 1, Bytes{2, 2, 0, 1});
  tcb_with("component empty", 1, Bytes{2, 0});
  tcb_with("component twice", 9, der::Integer(1), true);
  tcb_with("component as OCTET STRING", 1, der::OctetString(Bytes{1}));
  tcb_with("PCESVN 65536", 17, der::Integer(65536));
  tcb_with("CPUSVN of 15 bytes", 18, der::OctetString(Bytes(15, 0)));

  Bytes behind = sound.Der();
  behind.push_back(0);
  wrongs.push_back({"byte behind the SEQUENCE", behind});
  Bytes cut = sound.Der();
  cut.pop_back();
  wrongs.push_back({"last byte missing", cut});
  Bytes long_form = sound.Der();  // 30 82 xx xx → 30 83 00 xx xx
  long_form[1] = 0x83;
  long_form.insert(long_form.begin() + 2, 0);
  wrongs.push_back({"length not minimal", long_form});
  wrongs.push_back({"no bytes", {}});

  for (const Wrong& wrong : wrongs) {
    const auto read = ReadPckExtension(PckWith(wrong.extension));
    ASSERT_FALSE(read.ok()) << wrong.name;
    for (const Finding& finding : read.findings()) {
      EXPECT_EQ(finding.reason, Reason::kCertificateExtension) << wrong.name;
      EXPECT_TRUE(finding.claim.starts_with("extension 1.2.840.113741.1.13.1")) << wrong.name << ": " << finding.claim;
    }
  }
  test::MintOptions without;
  without.pck_certificate = [](softtee::Certificate& certificate) { certificate.extensions.pop_back(); };
  EXPECT_FALSE(ReadPckExtension(crypto::Certificate::FromDer(test::PckDer(without)).value()).ok());
}

TEST(PckExtension, NoByteOfItCanBeLeftOutOrChangeItsLength) {
  const Bytes sound = test::PlainExtension().Der();
  for (std::size_t i = 0; i < sound.size(); ++i) {
    Bytes shorter = sound;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(ReadPckExtension(PckWith(shorter)).ok()) << i;
  }
}

}  // namespace
}  // namespace assay::dcap
