#include "service/tls.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "crypto/certificate.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"

namespace assay::service {
namespace {

using softtee::Key;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Time kNow = std::chrono::sys_days(std::chrono::year(2027) / 3 / 1);
constexpr Duration kDay{86400};

std::string Said(const absl::Status& status) { return std::string(MessageOf(status)); }

struct Spec {
  std::string name = "leaf";
  Time not_before = kNow - kDay, not_after = kNow + 30 * kDay;
  std::optional<bool> ca = false;  // nullopt: no basicConstraints
  std::uint16_t key_usage = softtee::kDigitalSignature;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-tls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    identity_.set_certificate(File("server.pem"));
    identity_.set_key(File("server.key"));
    Write("server.key", key_.ToPem());
    std::filesystem::permissions(File("server.key"), std::filesystem::perms(0600));
  }
  ~TlsTest() override { std::filesystem::remove_all(directory_); }

  std::string File(std::string_view name) const { return (directory_ / name).string(); }
  void Write(std::string_view name, std::string_view text) const {
    std::ofstream(directory_ / name, std::ios::binary | std::ios::trunc) << text;
  }
  Bytes Der(const Spec& spec = {}) const {
    softtee::Certificate certificate{.serial = {0x42},
                                     .issuer = softtee::NameOf(spec.name),
                                     .subject = softtee::NameOf(spec.name),
                                     .not_before = spec.not_before,
                                     .not_after = spec.not_after,
                                     .subject_public_key_info = key_.SubjectPublicKeyInfo(),
                                     .style = softtee::SignatureStyle::kEcdsaSha256};
    if (spec.ca) certificate.extensions.push_back(softtee::extension::BasicConstraints(*spec.ca, std::nullopt));
    if (spec.key_usage != 0) certificate.extensions.push_back(softtee::extension::KeyUsage(spec.key_usage));
    return certificate.SignedBy(key_);
  }
  std::string Pem(const Spec& spec = {}) const { return softtee::ToPem("CERTIFICATE", Der(spec)); }
  static Spec Ca(std::string name) { return {.name = std::move(name), .ca = true, .key_usage = softtee::kKeyCertSign}; }

  absl::StatusOr<TlsMaterial> Load(std::string_view certificates, Time now = kNow) const {
    Write("server.pem", certificates);
    return LoadTlsMaterial(identity_, "join.tls", now);
  }
  absl::StatusOr<CaMaterial> LoadCa(std::string_view certificates, Time now = kNow) const {
    Write("ca.pem", certificates);
    return LoadCaMaterial(File("ca.pem"), "operator.client_ca", now);
  }

  const Key key_ = Key::GenerateP256();
  std::filesystem::path directory_;
  v1::TlsIdentity identity_;
};

TEST_F(TlsTest, AGoodPairIsLoaded) {
  const auto material = Load(Pem() + Pem(Ca("issuer")));
  ASSERT_TRUE(material.ok()) << Said(material.status());
  EXPECT_EQ(material->subject, "CN=leaf");
  EXPECT_EQ(material->not_after, kNow + 30 * kDay);
  EXPECT_EQ(material->lifetimes.size(), 2u);
  EXPECT_EQ(crypto::CertificatesFrom(AsBytes(material->certificate_pem), "again").value().size(), 2u);
}

// gRPC reads PEM alone: it must never get the bytes of another encoding, nor a block that was not checked.
TEST_F(TlsTest, WhateverTheFileGrpcGetsPemOfWhatWasChecked) {
  const Bytes der = Der();
  for (const std::string& text : {std::string(AsText(der)), softtee::ToPem("CERTIFICATE", der),
                                  Cat("Subject: leaf\n", softtee::ToPem("CERTIFICATE", der), "that was it\n"),
                                  Cat(softtee::ToPem("TRUSTED CERTIFICATE", der), softtee::ToPem("CERTIFICATE", der))}) {
    const auto material = Load(text);
    ASSERT_TRUE(material.ok()) << Said(material.status());
    EXPECT_EQ(material->certificate_pem, softtee::ToPem("CERTIFICATE", der));
  }
  const Bytes ca_der = Der(Ca("ca"));
  const auto ca = LoadCa(AsText(ca_der));
  ASSERT_TRUE(ca.ok()) << Said(ca.status());
  EXPECT_EQ(ca->pem, softtee::ToPem("CERTIFICATE", ca_der));
}

TEST_F(TlsTest, WhatIsNoPairIsRefusedByName) {
  for (const std::string_view text :
       {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"}) {
    const absl::Status refused = Load(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << text;
    EXPECT_THAT(Said(refused),
                AllOf(HasSubstr("join.tls.certificate '"), HasSubstr("server.pem': expected certificates in PEM, leaf first")))
        << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Load(Cat(AsText(Der()), "x")).status())) << "DER with something behind it";
  ASSERT_TRUE(Load(Pem()).ok());
  Write("server.key", Key::GenerateP256().ToPem());
  EXPECT_THAT(Said(Load(Pem()).status()),
              HasSubstr("join.tls: expected the private key of the certificate 'CN=leaf', actual: another key"));
  for (const std::string& text : {std::string(), std::string("garbage"), Pem(), Key::Derive(AsBytes("x")).ToPem()}) {
    Write("server.key", text);
    EXPECT_THAT(Said(Load(Pem()).status()), HasSubstr("server.key': expected an EC P-256 private key in PEM"));
  }
  Write("server.key", key_.ToPem());
  for (const int mode : {0640, 0604, 0610, 0601}) {
    std::filesystem::permissions(File("server.key"), std::filesystem::perms(mode));
    EXPECT_TRUE(absl::IsPermissionDenied(Load(Pem()).status())) << mode;
  }
  std::filesystem::remove(File("server.key"));
  EXPECT_TRUE(absl::IsNotFound(Load(Pem()).status()));
  std::filesystem::remove(File("server.pem"));
  EXPECT_TRUE(absl::IsNotFound(LoadTlsMaterial(identity_, "join.tls", kNow).status()));
}

// RFC 5280 4.1.2.5: both bounds belong to the validity. A certificate of this minute may meet a clock that is five behind.
TEST_F(TlsTest, ACertificateOutOfItsTimeIsRefusedToTheSecond) {
  const Spec spec{.not_before = kNow, .not_after = kNow + kDay};
  for (const auto& [now, good] : {std::pair(kNow - Duration(301), false),
                                  {kNow - Duration(300), true},
                                  {kNow, true},
                                  {kNow + kDay, true},
                                  {kNow + kDay + Duration(1), false}}) {
    EXPECT_EQ(Load(Pem(spec), now).ok(), good) << FormatTime(now);
    EXPECT_EQ(
        LoadCa(
            Pem({.name = "ca", .not_before = spec.not_before, .not_after = spec.not_after, .ca = true, .key_usage = softtee::kKeyCertSign}),
            now)
            .ok(),
        good)
        << FormatTime(now);
  }
  EXPECT_THAT(Said(Load(Pem(spec), kNow + 2 * kDay).status()),
              AllOf(HasSubstr("join.tls.certificate '"), HasSubstr("server.pem'"),
                    HasSubstr("'CN=leaf' ended 2027-03-02T00:00:00Z (today is 2027-03-03)"), HasSubstr("Renew it")));
  EXPECT_THAT(Said(Load(Pem(spec), kNow - kDay).status()),
              AllOf(HasSubstr("'CN=leaf' begins 2027-03-01T00:00:00Z (today is 2027-02-28)"), HasSubstr("clock")));
  EXPECT_THAT(Said(LoadCa(Pem(Ca("ca")), kNow + 40 * kDay).status()), AllOf(HasSubstr("operator.client_ca '"), HasSubstr("'CN=ca' ended")));
}

TEST_F(TlsTest, TheMessageStaysTheSameForADay) {
  EXPECT_EQ(Said(Load(Pem(), kNow + 40 * kDay).status()), Said(Load(Pem(), kNow + 40 * kDay + Duration(3600)).status()));
}

TEST_F(TlsTest, OnlyCertificatesOfCasAreAClientCa) {
  EXPECT_TRUE(LoadCa(Pem({.name = "ca", .ca = true, .key_usage = 0})).ok()) << "without keyUsage every use is allowed";
  EXPECT_TRUE(LoadCa(Pem(Ca("one")) + Pem(Ca("two"))).ok());
  for (const Spec& spec :
       {Spec{}, Spec{.ca = std::nullopt, .key_usage = softtee::kKeyCertSign}, Spec{.ca = true, .key_usage = softtee::kDigitalSignature},
        Spec{.ca = false, .key_usage = softtee::kKeyCertSign}}) {
    for (const std::string& text : {Pem(spec), Pem(Ca("ca")) + Pem(spec)}) {
      EXPECT_THAT(Said(LoadCa(text).status()), AllOf(HasSubstr("operator.client_ca '"), HasSubstr("'CN=leaf' may sign none")));
    }
  }
  EXPECT_THAT(Said(LoadCa("").status()), HasSubstr("expected CA certificates in PEM"));
  EXPECT_THAT(Said(LoadCa(key_.ToPem()).status()), HasSubstr("expected CA certificates in PEM"));
}

// While CAs are exchanged the former one may have ended.
TEST_F(TlsTest, OneOfSeveralCasMayHaveEnded) {
  Spec former = Ca("former");
  former.not_after = kNow - Duration(1);
  EXPECT_FALSE(LoadCa(Pem(former)).ok());
  const auto both = LoadCa(Pem(former) + Pem(Ca("next")));
  ASSERT_TRUE(both.ok()) << Said(both.status());
  EXPECT_EQ(both->lifetimes.size(), 2u);
}

struct FixedClock final : Clock {
  Time Now() const override { return kNow; }
};

TEST(EndWatch, SaysWhatEndsOnceADay) {
  const FixedClock clock;
  std::ostringstream text;
  telemetry::Log log(text, clock);
  EndWatch watch;
  const auto said = [&](const Lifetime& life, Time now) {
    text.str("");
    watch.Look("join", {life}, now, log);
    return text.str();
  };
  const Lifetime year{"CN=year", kNow - 351 * kDay, kNow + 14 * kDay};
  EXPECT_THAT(said(year, kNow - Duration(1)), IsEmpty()) << "more than 14 days";
  EXPECT_THAT(said(year, kNow), AllOf(HasSubstr("a certificate in use ends soon"), HasSubstr(R"("listener":"join")"), HasSubstr("CN=year"),
                                      HasSubstr("2027-03-15T00:00:00Z"), HasSubstr("warning")));
  EXPECT_THAT(said(year, kNow + Duration(2)), IsEmpty()) << "said already";
  EXPECT_THAT(said(year, kNow + kDay - Duration(1)), IsEmpty());
  EXPECT_THAT(said(year, kNow + kDay), HasSubstr("ends soon"));
  EXPECT_THAT(said(year, kNow + 14 * kDay + Duration(1)), AllOf(HasSubstr("a certificate in use has ended"), HasSubstr("error")));
  // One that lives for a day is renewed each day: its last fifth.
  const Lifetime day{"CN=day", kNow, kNow + kDay};
  EXPECT_THAT(said(day, kNow + kDay * 4 / 5 - Duration(1)), IsEmpty());
  EXPECT_THAT(said(day, kNow + kDay * 4 / 5), HasSubstr("CN=day"));
}

TEST_F(TlsTest, FilesThatChangeAreSeen) {
  FilesSeen seen;
  Write("a", "1");
  EXPECT_TRUE(seen.Changed({File("a"), File("absent")}));
  EXPECT_FALSE(seen.Changed({File("a"), File("absent")}));
  Write("absent", "now");
  EXPECT_TRUE(seen.Changed({File("a"), File("absent")}));
  EXPECT_FALSE(seen.Changed({File("a"), File("absent")}));
  seen.Forget();
  EXPECT_TRUE(seen.Changed({File("a"), File("absent")}));
}

}  // namespace
}  // namespace assay::service
