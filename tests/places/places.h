// Where this build is. The only code of the tests that knows: everything else compiles to the same object in any checkout,
// so that a compiler cache serves them all.
#pragma once

#include <string>
#include <string_view>

namespace assay::test {

std::string SourceDir();                     // the root of the source tree
std::string BinaryDir();                     // the root of the build
std::string Program(std::string_view name);  // of this build: assay, assayd, assay-softtee
std::string SoftteePkiDir();                 // where assay-softtee keeps its PKI, so that a build makes its keys once

}  // namespace assay::test
