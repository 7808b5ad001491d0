// A store whose operations are counted and timed.
#pragma once

#include <memory>

#include "store/verdict_store.h"
#include "telemetry/metrics.h"

namespace assay::service {

std::unique_ptr<store::VerdictStore> CountStore(std::unique_ptr<store::VerdictStore> store, telemetry::Metrics& metrics);

}  // namespace assay::service
