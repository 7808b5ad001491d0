// Page tokens of list requests (https://google.aip.dev/158): where the next page goes on, kept by the client, opaque to it.
//
//   base64url of  version u8 = 1 | SHA-256 of the arguments 32 | last key i64 BE 8 | first 16 bytes of HMAC-SHA-256
//
// Promises: a token is opened only under the key and for the arguments that it was sealed for; one changed bit is refused.
// Does not promise secrecy: whoever holds a token can read its last key; nor an end: a token is good as long as the key is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::store {

inline constexpr std::size_t kPageTokenSize = 76;  // characters, no padding
inline constexpr std::size_t kLeastPageTokenKeySize = 32;

// What decides which rows a list has, and in which order. Not the page size: it may change from page to page.
struct ListArguments {
  std::string_view list;  // "verdicts": no token of one list is good for another
  std::string_view parent = {};
  std::string_view filter = {};
  std::string_view order_by = {};
};

class PageTokenCodec {
 public:
  // `key`: at least kLeastPageTokenKeySize random bytes; tokens are good in every process that has the same.
  explicit PageTokenCodec(Bytes key);

  std::string Seal(const ListArguments& arguments, std::int64_t last_key) const;

  // The last key of the page before. An empty token is malformed too: that it means the first page is up to the caller.
  //
  // Errors: InvalidArgument, and the message says whether the token is malformed, not of this server or of other arguments.
  absl::StatusOr<std::int64_t> Open(std::string_view token, const ListArguments& arguments) const;

 private:
  Bytes Mac(ByteView body) const;

  Bytes key_;
};

}  // namespace assay::store
