// A Description as an aligned tree.
#pragma once

#include <cstddef>
#include <string>

#include "client/cli/style.h"
#include "trust/description.h"

namespace assay::cli {

// Values of one level stand under each other; those longer than `value_limit` characters are cut and say so.
std::string TreeText(const trust::Description& description, const Style& style, std::size_t value_limit);

}  // namespace assay::cli
