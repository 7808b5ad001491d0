#include "crypto/tls_server.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "base/bug.h"
#include "base/strings.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using SslPtr = std::unique_ptr<SSL, Freer<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

constexpr std::size_t kMaxPemSize = 64 * 1024;
constexpr int kMaxChain = 10;

// Without it OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return 0; }

BioPtr Memory(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(std::min(text.size(), kMaxPemSize)))); }

struct Identity {
  X509Ptr leaf;
  X509Stack issuers;
  EvpPkey key;
};

absl::StatusOr<std::shared_ptr<const Identity>> ReadIdentity(const std::string& field, std::string_view certificates,
                                                             std::string_view key) {
  const ErrorQueueGuard guard;
  const auto identity = std::make_shared<Identity>();
  const BioPtr chain = Memory(certificates), key_text = Memory(key);
  identity->issuers.reset(sk_X509_new_null());
  ASSAY_CHECK(chain != nullptr && key_text != nullptr && identity->issuers != nullptr);
  identity->leaf.reset(PEM_read_bio_X509(chain.get(), nullptr, NoPassPhrase, nullptr));
  if (identity->leaf == nullptr) {
    return absl::InvalidArgumentError(Cat(
        field,
        ".certificate: expected PEM certificates, leaf first, actual: none that can be read. Give the chain as its issuer delivered it."));
  }
  while (X509Ptr issuer{PEM_read_bio_X509(chain.get(), nullptr, NoPassPhrase, nullptr)}) {
    if (sk_X509_num(identity->issuers.get()) >= kMaxChain) {
      return absl::InvalidArgumentError(Cat(field, ".certificate: expected at most ", kMaxChain,
                                            " issuers above the leaf, actual: more. Give only the leaf's own chain."));
    }
    ASSAY_CHECK(sk_X509_push(identity->issuers.get(), issuer.get()) > 0);
    static_cast<void>(issuer.release());
  }
  identity->key.reset(PEM_read_bio_PrivateKey(key_text.get(), nullptr, NoPassPhrase, nullptr));
  if (identity->key == nullptr) {
    return absl::InvalidArgumentError(Cat(
        field, ".key: expected a private key in PEM without a pass phrase, actual: none that can be read. Give the certificate's key."));
  }
  if (X509_check_private_key(identity->leaf.get(), identity->key.get()) != 1) {
    return absl::InvalidArgumentError(
        Cat(field, ": expected the private key of the first certificate, actual: another key. Give the pair that belongs together."));
  }
  return std::shared_ptr<const Identity>(identity);
}

}  // namespace

struct TlsSession::State {
  SslPtr ssl;
};

struct TlsServer::State {
  SslCtxPtr context;
  std::mutex mutex;
  std::shared_ptr<const Identity> identity;  // guarded by mutex

  std::shared_ptr<const Identity> Current() {
    const std::lock_guard lock(mutex);
    return identity;
  }
};

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;

TlsProgress TlsSession::After(int result) {
  const int error = SSL_get_error(state_->ssl.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) return TlsProgress::kWantsRead;
  return error == SSL_ERROR_WANT_WRITE ? TlsProgress::kWantsWrite : TlsProgress::kEnded;
}

TlsProgress TlsSession::Handshake() {
  const int result = SSL_accept(state_->ssl.get());
  return result == 1 ? TlsProgress::kDone : After(result);
}

TlsProgress TlsSession::Read(std::span<char> into, std::size_t& bytes) {
  const int result = SSL_read_ex(state_->ssl.get(), into.data(), into.size(), &bytes);
  return result == 1 ? TlsProgress::kDone : After(result);
}

TlsProgress TlsSession::Write(std::string_view from, std::size_t& bytes) {
  const int result = SSL_write_ex(state_->ssl.get(), from.data(), from.size(), &bytes);
  return result == 1 ? TlsProgress::kDone : After(result);
}

void TlsSession::Close() {
  if (SSL_is_init_finished(state_->ssl.get()) == 1) SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

TlsServer::TlsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServer::~TlsServer() = default;

absl::StatusOr<std::unique_ptr<TlsServer>> TlsServer::Make(const std::string& field, std::string_view certificates, std::string_view key) {
  const ErrorQueueGuard guard;
  auto state = std::make_unique<State>();
  state->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = state->context.get();
  ASSAY_CHECK(context != nullptr);
  ASSAY_CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  ASSAY_CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);  // TLS 1.2; those of 1.3 are all like that
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Asked at every handshake, so that a change of identity never touches a context that other threads use.
  SSL_CTX_set_cert_cb(
      context,
      [](SSL* ssl, void* of) {
        const std::shared_ptr<const Identity> identity = static_cast<State*>(of)->Current();
        return SSL_use_cert_and_key(ssl, identity->leaf.get(), identity->key.get(), identity->issuers.get(), 1);
      },
      state.get());
  std::unique_ptr<TlsServer> server(new TlsServer(std::move(state)));
  if (absl::Status status = server->SetIdentity(field, certificates, key); !status.ok()) return status;
  return server;
}

absl::Status TlsServer::SetIdentity(const std::string& field, std::string_view certificates, std::string_view key) {
  auto identity = ReadIdentity(field, certificates, key);
  if (!identity.ok()) return identity.status();
  const std::lock_guard lock(state_->mutex);
  state_->identity = *std::move(identity);
  return absl::OkStatus();
}

std::unique_ptr<TlsSession> TlsServer::Start(int socket) {
  const ErrorQueueGuard guard;
  auto session = std::make_unique<TlsSession::State>();
  session->ssl.reset(SSL_new(state_->context.get()));
  if (session->ssl == nullptr || SSL_set_fd(session->ssl.get(), socket) != 1) return nullptr;
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(session)));
}

}  // namespace assay::crypto
