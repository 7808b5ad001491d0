#include "tests/softtee/dev_tls.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "tests/softtee/file.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/unit/softtee/openssl.h"

namespace assay::softtee {
namespace {

class DevTls : public testing::Test {
 protected:
  DevTls() {
    std::string pattern = testing::TempDir() + "softtee-tls-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~DevTls() override { std::filesystem::remove_all(directory_); }

  std::string Text(std::string_view file) const { return std::string(AsText(ReadFile(directory_ / file).value())); }
  X509Handle Certificate(std::string_view file) const {
    const std::string pem = Text(file);
    const std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return X509Handle(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  }

  std::filesystem::path directory_;
};

std::vector<std::string> AlternativeNames(const X509* certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
    GENERAL_NAME_print(memory.get(), sk_GENERAL_NAME_value(list, i));
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    names.emplace_back(data, static_cast<std::size_t>(size));
  }
  GENERAL_NAMES_free(list);
  return names;
}

TEST_F(DevTls, ServerAndClientsChainToTheCa) {
  ASSERT_TRUE(MakeDevTls(directory_, "localhost", kDefaultNow).ok());
  const X509Handle ca = Certificate("ca.pem");
  const struct {
    std::string stem;
    std::uint32_t purpose;
    std::vector<std::string> names;
  } rows[] = {
      {"server", XKU_SSL_SERVER, {"DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"}},
      {"viewer", XKU_SSL_CLIENT, {"URI:spiffe://dev.assay/operator/viewer"}},
      {"operator", XKU_SSL_CLIENT, {"URI:spiffe://dev.assay/operator/operator"}},
      {"admin", XKU_SSL_CLIENT, {"URI:spiffe://dev.assay/operator/admin"}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.stem);
    const X509Handle leaf = Certificate(row.stem + ".pem");
    ASSERT_NE(leaf, nullptr);
    EXPECT_EQ(VerifyPath(leaf.get(), ca.get(), ca.get(), kDefaultNow), "OK");
    EXPECT_NE(VerifyPath(leaf.get(), ca.get(), ca.get(), kDefaultNow + std::chrono::days(91)), "OK");
    EXPECT_EQ(AlternativeNames(leaf.get()), row.names);
    EXPECT_EQ(X509_get_extended_key_usage(leaf.get()), row.purpose);
    EXPECT_EQ(X509_get_key_usage(leaf.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
    EXPECT_EQ(X509_get_extension_flags(leaf.get()) & EXFLAG_CA, 0u);
    struct stat status {};
    ASSERT_EQ(stat((directory_ / (row.stem + ".key")).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    const std::string pem = Text(row.stem + ".key");
    const std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>> key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
    EXPECT_EQ(X509_check_private_key(leaf.get(), key.get()), 1);
  }
}

TEST_F(DevTls, IsKeptWhileItIsGood) {
  ASSERT_TRUE(MakeDevTls(directory_, "localhost", kDefaultNow).ok());
  const std::string first = Text("server.pem");
  ASSERT_TRUE(MakeDevTls(directory_, "localhost", kDefaultNow + std::chrono::days(89)).ok());
  EXPECT_EQ(Text("server.pem"), first);
  ASSERT_TRUE(MakeDevTls(directory_, "localhost", kDefaultNow + std::chrono::days(90)).ok());
  const std::string second = Text("server.pem");
  EXPECT_NE(second, first) << "expired";
  ASSERT_TRUE(MakeDevTls(directory_, "assay.test", kDefaultNow + std::chrono::days(90)).ok());
  EXPECT_NE(Text("server.pem"), second) << "another name";
}

TEST_F(DevTls, SaysWhereItCannotWrite) {
  ASSERT_TRUE(WriteFile(directory_ / "file", AsBytes("x"), kPublicFile).ok());
  const absl::Status status = MakeDevTls(directory_ / "file", "localhost", kDefaultNow);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr((directory_ / "file").string()));
}

}  // namespace
}  // namespace assay::softtee
