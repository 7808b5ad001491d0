#include "tests/softtee/kept_keys.h"

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::softtee {

Key KeptKeys::Get(std::string_view name, const std::function<Key()>& make) {
  if (!status_.ok()) return Key::GenerateP256();
  const std::filesystem::path path = directory_ / Cat(name, ".key");
  const absl::StatusOr<Bytes> pem = ReadFile(path);
  if (pem.ok()) {
    absl::StatusOr<Key> key = Key::FromPem(AsText(*pem));
    if (key.ok()) return *std::move(key);
    status_ = absl::InvalidArgumentError(ToAbsl(Cat(path.string(), ": ", MessageOf(key.status()))));
  } else if (!absl::IsNotFound(pem.status())) {
    status_ = pem.status();
  }
  Key key = make();
  if (status_.ok()) status_ = WriteFile(path, AsBytes(key.ToPem()), kPrivateFile);
  return key;
}

}  // namespace assay::softtee
