// `assay policy from-evidence`: a policy and a release, drafted from evidence of a machine that is known to be good.
//
// Promises: the loader takes both files together; the evidence passes them, or it is said what keeps it from being TRUSTED, and evidence
// that is rejected gives no draft. Does not promise that the machine is good, nor that others pass: comments say what is to be decided.
#pragma once

#include <string>

#include "client/cli/evidence_files.h"
#include "client/cli/invocation.h"

namespace assay::cli {

struct PolicyDraftOptions : EvidenceOptions {
  std::string name;       // of the policy, as policies have them; its release is called NAME-images, NAME cut to what leaves room for it
  std::string directory;  // where NAME.yaml and NAME-images.yaml go; neither may be there
};

ExitCode DraftPolicy(const PolicyDraftOptions& options, const Invocation& invocation);

}  // namespace assay::cli
