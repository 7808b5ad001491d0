#include "base/guid.h"

#include <algorithm>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay {

std::string GuidText(ByteView guid) {
  ASSAY_CHECK(guid.size() == 16);
  const std::string hex = ToHex(guid);
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-", hex.substr(16, 4), "-", hex.substr(20));
}

std::string UefiGuidText(ByteView guid) {
  ASSAY_CHECK(guid.size() == 16);
  Bytes written = ToBytes(guid);
  std::reverse(written.begin(), written.begin() + 4);
  std::reverse(written.begin() + 4, written.begin() + 6);
  std::reverse(written.begin() + 6, written.begin() + 8);
  return GuidText(written);
}

}  // namespace assay
