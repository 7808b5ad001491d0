#include "tests/places/places.h"

namespace assay::test {

std::string SourceDir() { return ASSAY_SOURCE_DIR; }
std::string BinaryDir() { return ASSAY_BINARY_DIR; }
std::string Program(std::string_view name) { return (BinaryDir() + "/bin/").append(name); }
std::string SoftteePkiDir() { return BinaryDir() + "/softtee-pki"; }

}  // namespace assay::test
