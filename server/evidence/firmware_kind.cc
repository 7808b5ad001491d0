#include "evidence/firmware_kind.h"

#include <utility>

namespace assay::evidence {

Finding FirmwareKind::Refuse(Reason reason, std::string field, std::string expected, std::string actual, std::string_view remedy) const {
  if (remedy.empty() && reason == not_of_kind) remedy = what_to_give;
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(field),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(spec),
          .remedy = std::string(remedy)};
}

}  // namespace assay::evidence
