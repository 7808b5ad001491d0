// `assay verdict list|watch|revoke` and `assay node …`: what operators ask of a server about verdicts and nodes.
//
// Exit codes: 0 done; otherwise as the connection or the server's answer has it. Lists print what they were given page by page
// with -o jsonl, and all at once otherwise.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct FleetOptions {
  ServerOptions server;
  OperatorOptions credentials;
  OutputFormat output = OutputFormat::kTable;
  std::string filter;         // AIP-160
  int limit = 100;            // elements of a list, or events of a watch; 0 = no limit
  bool oldest_first = false;  // verdicts
  std::int64_t after = 0;     // watch: sequence to resume behind
  std::string id;             // verdict id; instance identity, or digest of a key, in hexadecimal
  std::string kind;           // of a ban, or of a key to be enrolled ("": as the file says)
  std::string value;          // whom the ban is about
  std::string file;           // of a key to be enrolled
  std::string node;           // "cluster/name" that it is for; empty: any
  std::string reason;
};

ExitCode ListVerdicts(const FleetOptions& options, const Invocation& invocation);
// Goes on until `limit` events were printed; a server that goes away is waited for, and watching resumes where it ended.
// Whether a watch that ended so was ended by a server that went, and may come back: it is never cancelled from here, so that CANCELLED is
// the word of one that shuts down.
bool ServerWent(const absl::Status& ended);
ExitCode WatchVerdicts(const FleetOptions& options, const Invocation& invocation);
ExitCode ListFlips(const FleetOptions& options, const Invocation& invocation);
ExitCode RevokeVerdict(const FleetOptions& options, const Invocation& invocation);

ExitCode ListNodes(const FleetOptions& options, const Invocation& invocation);
ExitCode ReleaseNode(const FleetOptions& options, const Invocation& invocation);
ExitCode BanIdentity(const FleetOptions& options, const Invocation& invocation);
ExitCode UnbanIdentity(const FleetOptions& options, const Invocation& invocation);
ExitCode ListBans(const FleetOptions& options, const Invocation& invocation);
ExitCode EnrolKey(const FleetOptions& options, const Invocation& invocation);
ExitCode UnenrolKey(const FleetOptions& options, const Invocation& invocation);
ExitCode ListEnrolments(const FleetOptions& options, const Invocation& invocation);

// `assay clouds --server`: with what the verdicts of the last day show.
ExitCode DescribeClouds(const FleetOptions& options, const Invocation& invocation);

}  // namespace assay::cli
