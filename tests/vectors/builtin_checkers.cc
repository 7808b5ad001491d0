#include <algorithm>
#include <vector>

#include "tests/vectors/checker.h"

namespace assay::vectors {

std::span<const Checker> BuiltinCheckers() {
  static const std::vector<Checker> checkers = [] {
    std::vector<Checker> all;
    for (const std::span<const Checker> some : {AzureCheckers(), DcapCheckers(), EarCheckers(), LogCheckers(), NitroCheckers(),
                                                SnpCheckers(), SnpMeasurementCheckers(), TpmCheckers()}) {
      all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end(), [](const Checker& a, const Checker& b) { return a.kind < b.kind; });
    return all;
  }();
  return checkers;
}

}  // namespace assay::vectors
