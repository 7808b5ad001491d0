// Which ends of a watch are those of a server that comes back.
#ifdef ASSAY_SERVICE
#include "client/cli/fleet.h"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

TEST(Watch, AServerThatShutsDownOrIsNotThereMayComeBack) {
  EXPECT_TRUE(ServerWent(absl::UnavailableError("no answer")));
  EXPECT_TRUE(ServerWent(absl::CancelledError("CANCELLED")));
  for (const absl::Status& status : {absl::OkStatus(), absl::PermissionDeniedError("role"), absl::InvalidArgumentError("filter"),
                                     absl::UnauthenticatedError("token"), absl::OutOfRangeError("after")}) {
    EXPECT_FALSE(ServerWent(status)) << status;
  }
}

}  // namespace
}  // namespace assay::cli
#endif
