#include "crypto/validity.h"

#include <openssl/pem.h>

#include <ctime>

#include "crypto/openssl_handles.h"
#include "crypto/x509_fields.h"

namespace assay::crypto {
namespace {

// Without it OpenSSL would ask at the terminal for that of an encrypted block.
int NoPassPhrase(char*, int, int, void*) { return 0; }

std::optional<Time> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const auto day = std::chrono::year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

}  // namespace

std::optional<Validity> ValidityOf(std::string_view pem) {
  const ErrorQueueGuard guard;
  const std::unique_ptr<BIO, Freer<BIO_free>> input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const X509Ptr certificate(input == nullptr ? nullptr : PEM_read_bio_X509(input.get(), nullptr, NoPassPhrase, nullptr));
  if (certificate == nullptr) return std::nullopt;
  const auto not_before = TimeOf(X509_get0_notBefore(certificate.get())), not_after = TimeOf(X509_get0_notAfter(certificate.get()));
  if (!not_before || !not_after) return std::nullopt;
  const Bytes der = DerOf<i2d_X509_NAME>(X509_get_subject_name(certificate.get()));
  DerReader reader{ByteView(der)};
  const auto subject = ReadName(reader);
  return Validity{subject ? TextOf(subject->attributes) : std::string(), *not_before, *not_after};
}

}  // namespace assay::crypto
