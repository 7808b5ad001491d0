// An OpenID provider for tests: keys of every kind that is accepted, made at run time, the key set that it publishes, and tokens
// that say whatever a test wants.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace assay::provider {

// "rsa1024", "rsa-exponent-3" and "p521" are never accepted; the others are named by the algorithm that they are published for.
class Key {
 public:
  static Key Make(std::string_view kind);  // "ES256", "ES384", "RS256", "PS256", "rsa1024", "rsa-exponent-3", "p521"
  ~Key();
  Key(Key&&) noexcept;
  Key& operator=(Key&&) noexcept;

  const std::string& kind() const { return kind_; }
  // A JWK of the public half. `more` is further JSON members, e.g. R"("use":"sig")".
  std::string Jwk(std::string_view key_id, std::string_view more = "") const;
  // Over these texts as they are, by `algorithm` ("" for the key's own): RS256 and PS256 go with any RSA key.
  std::string Sign(std::string_view header, std::string_view payload, std::string_view algorithm = "") const;

 private:
  struct Handle;
  Key(std::string kind, std::unique_ptr<Handle> handle);
  std::string kind_;
  std::unique_ptr<Handle> handle_;
};

std::string KeySet(std::string_view jwks);  // JWKs with commas between them
std::string Header(std::string_view algorithm, std::string_view key_id, std::string_view more = "");

// A complete claims set; "" and 0 leave a claim out. Members that start with '{', '[' or '"' go in as JSON.
struct ClaimsSet {
  std::string issuer = "https://idp.example", subject = "alice", audience = "assay";
  std::int64_t issued_at, expires, not_before = 0;
  std::string more = {};  // further JSON members
  std::string Text() const;
};
ClaimsSet ClaimsAt(Time now);  // issued then, for ten minutes

}  // namespace assay::provider
