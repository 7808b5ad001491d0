// Keys of TPMs that operators enrolled, in SQLite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "base/strings.h"
#include "store/database_care.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_store.h"
#include "store/verdict_id.h"

namespace assay::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Time kNow{Duration{1'790'000'000}};

v1::EnrolledKey Key(char digit, v1::TpmKeyKind kind = v1::TPM_KEY_KIND_ATTESTATION, std::string node = "") {
  v1::EnrolledKey key;
  key.set_kind(kind);
  key.set_spki_sha256(std::string(32, digit));
  key.set_node(std::move(node));
  return key;
}

class EnrolmentStoreTest : public testing::Test {
 protected:
  EnrolmentStoreTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-enrolment-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    Open();
  }
  ~EnrolmentStoreTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string File() const { return (directory_ / "assay.db").string(); }
  void Open() {
    store_.reset();
    auto opened = OpenSqliteStore(File());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  absl::StatusOr<v1::EnrolledKey> Enrol(const v1::EnrolledKey& key, std::string reason = "new") {
    return store_->Enrol(key, {"spiffe://op", std::move(reason), kNow});
  }
  // First letters of the digests that are found.
  std::string Of(std::string_view ak, std::string_view ek, std::string asked_as = "") {
    const auto found = store_->EnrolmentsOf(
        {.asked_as = std::move(asked_as), .attestation_key = ToBytes(AsBytes(ak)), .endorsement_key = ToBytes(AsBytes(ek))});
    EXPECT_TRUE(found.ok()) << found.status();
    std::string letters;
    for (const appraisal::Enrolment& one : *found) letters.push_back(static_cast<char>(one.spki_sha256[0]));
    return letters;
  }
  std::vector<int> EventKinds() {
    std::vector<int> kinds;
    const auto events = store_->EventsAfter(0, "", 100);
    EXPECT_TRUE(events.ok());
    for (const v1::VerdictEvent& event : events->elements) kinds.push_back(event.kind());
    return kinds;
  }

  std::filesystem::path directory_;
  std::unique_ptr<VerdictStore> store_;
};

TEST_F(EnrolmentStoreTest, WhatWasEnrolledIsThereAfterARestart) {
  v1::EnrolledKey key = Key('a', v1::TPM_KEY_KIND_ENDORSEMENT, "prod/n1");
  key.set_tpm_name(std::string(34, 'N'));
  const auto enrolled = Enrol(key, "rack 7");
  ASSERT_TRUE(enrolled.ok()) << enrolled.status();
  EXPECT_EQ(enrolled->by(), "spiffe://op");
  EXPECT_EQ(enrolled->reason(), "rack 7");
  EXPECT_EQ(enrolled->at().seconds(), 1'790'000'000);
  Open();
  const auto listed = store_->ListEnrolments({});
  ASSERT_EQ(listed->elements.size(), 1U);
  EXPECT_EQ(listed->elements[0].SerializeAsString(), enrolled->SerializeAsString());
  const auto found = store_->EnrolmentsOf({.endorsement_key = Bytes(32, 'a')});
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].of, appraisal::Enrolment::Of::kEndorsementKey);
  EXPECT_EQ((*found)[0].node, "prod/n1");
  EXPECT_EQ((*found)[0].tpm_name, Bytes(34, 'N'));
  EXPECT_THAT((*found)[0].why, HasSubstr("enrolled by spiffe://op at 2026-09-21T"));
  EXPECT_THAT((*found)[0].why, HasSubstr("rack 7"));
  EXPECT_THAT(EventKinds(), ElementsAre(v1::EVENT_KIND_ENROLLED));
  EXPECT_EQ(store_->EventsAfter(0, "", 10)->elements[0].target().substr(0, 20), "endorsement_key:6161");
}

TEST_F(EnrolmentStoreTest, OnlyWhatIsAboutTheNodeIsFound) {
  ASSERT_TRUE(Enrol(Key('a')).ok());
  ASSERT_TRUE(Enrol(Key('b', v1::TPM_KEY_KIND_ENDORSEMENT, "prod/n1")).ok());
  ASSERT_TRUE(Enrol(Key('c', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1")).ok());
  ASSERT_TRUE(Enrol(Key('d', v1::TPM_KEY_KIND_ATTESTATION, "prod/n2")).ok());
  const std::string a(32, 'a'), b(32, 'b'), none(32, 'x');
  EXPECT_EQ(Of("", ""), "");
  EXPECT_EQ(Of(none, none, "prod/n3"), "");
  EXPECT_EQ(Of(a, ""), "a");
  EXPECT_EQ(Of("", b), "b");
  EXPECT_EQ(Of(a, b), "ab") << "attestation keys first";
  EXPECT_EQ(Of("", "", "prod/n1"), "cb");
  EXPECT_EQ(Of(a, "", "prod/n2"), "ad");
  EXPECT_EQ(Of(a.substr(1), ""), "");
  EXPECT_EQ(Of("", "", "prod/n"), "");
}

TEST_F(EnrolmentStoreTest, ASecondTimeChangesNothing) {
  ASSERT_TRUE(Enrol(Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1"), "first").ok());
  const auto again = Enrol(Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1"), "second");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->reason(), "first");
  EXPECT_THAT(EventKinds(), ElementsAre(v1::EVENT_KIND_ENROLLED));
}

// Attack 26: a name is one machine's, and a key is of one kind and for one name.
TEST_F(EnrolmentStoreTest, Attack026_WhatIsTakenIsNotTakenOver) {
  v1::EnrolledKey named = Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1");
  named.set_tpm_name("N");
  ASSERT_TRUE(Enrol(named, "first").ok());
  v1::EnrolledKey another_name = named, nameless = named, kind = named, without = named;
  another_name.set_node("prod/n2");
  nameless.clear_node();
  kind.set_kind(v1::TPM_KEY_KIND_ENDORSEMENT);
  without.clear_tpm_name();
  for (const v1::EnrolledKey& other : {another_name, nameless, kind, without, Key('b', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1")}) {
    const auto refused = Enrol(other);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists) << other.ShortDebugString();
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("enrolled by spiffe://op"));
  }
  EXPECT_TRUE(Enrol(Key('b', v1::TPM_KEY_KIND_ENDORSEMENT, "prod/n1")).ok()) << "the other key of the same TPM";
  EXPECT_EQ(store_->ListEnrolments({})->elements.size(), 2U);
}

TEST_F(EnrolmentStoreTest, WhatIsNoEnrolmentIsRefused) {
  v1::EnrolledKey short_digest = Key('a'), long_name = Key('a', v1::TPM_KEY_KIND_ATTESTATION, Cat("prod/", std::string(510, 'x')));
  short_digest.mutable_spki_sha256()->pop_back();
  for (const v1::EnrolledKey& bad :
       {short_digest, long_name, Key('a', v1::TPM_KEY_KIND_UNSPECIFIED), Key('a', v1::TPM_KEY_KIND_ATTESTATION, "n1"),
        Key('a', v1::TPM_KEY_KIND_ATTESTATION, "/n1"), Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/"),
        Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/n\n1")}) {
    EXPECT_EQ(Enrol(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad.ShortDebugString();
  }
  EXPECT_THAT(store_->ListEnrolments({})->elements, IsEmpty());
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(EnrolmentStoreTest, AnEnrolmentEndsOnce) {
  ASSERT_TRUE(Enrol(Key('a', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1")).ok());
  const auto gone = store_->Unenrol(Bytes(32, 'a'), {"spiffe://op", "sold", kNow});
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ(gone->node(), "prod/n1");
  EXPECT_TRUE(absl::IsNotFound(store_->Unenrol(Bytes(32, 'a'), {"spiffe://op", "sold", kNow}).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->Unenrol(Bytes(31, 'a'), {"spiffe://op", "sold", kNow}).status()));
  EXPECT_EQ(Of(std::string(32, 'a'), "", "prod/n1"), "");
  EXPECT_THAT(EventKinds(), ElementsAre(v1::EVENT_KIND_ENROLLED, v1::EVENT_KIND_UNENROLLED));
  EXPECT_TRUE(Enrol(Key('b', v1::TPM_KEY_KIND_ATTESTATION, "prod/n1")).ok()) << "the name is free again";
}

TEST_F(EnrolmentStoreTest, ListsComePageByPage) {
  for (char digit = 'a'; digit < 'f'; ++digit) ASSERT_TRUE(Enrol(Key(digit)).ok());
  PageRequest request{.size = 2};
  std::string letters;
  do {
    const auto page = store_->ListEnrolments(request);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page->elements.size(), 2U);
    for (const v1::EnrolledKey& key : page->elements) letters.push_back(key.spki_sha256()[0]);
    request.after = page->next;
  } while (request.after != 0);
  EXPECT_EQ(letters, "abcde");
}

// Between the appraisal and its record somebody enrolled or unenrolled: what was appraised is no longer so.
TEST_F(EnrolmentStoreTest, ARecordStandsOnTheEnrolmentsOfNow) {
  SystemRandom random;
  v1::VerdictRecord record;
  record.mutable_recorded_at()->set_seconds(kNow.time_since_epoch().count());
  record.mutable_context()->set_cluster("prod");
  record.mutable_context()->set_name("n1");
  record.mutable_state()->set_attestation_key_sha256(std::string(32, 'a'));
  const auto stored = [&] {
    record.set_id(NewVerdictId(kNow, random));
    return store_->Record(record, {});
  };
  EXPECT_TRUE(stored().ok());
  ASSERT_TRUE(Enrol(Key('a')).ok());
  EXPECT_TRUE(absl::IsAborted(stored()));
  const auto now = store_->EnrolmentsOf(appraisal::TpmStateOf(record));
  appraisal::TpmState state = appraisal::TpmStateOf(record);
  state.enrolments = *now;
  appraisal::Write(state, *record.mutable_state());
  EXPECT_TRUE(stored().ok());
  ASSERT_TRUE(Enrol(Key('b', v1::TPM_KEY_KIND_ENDORSEMENT, "prod/n1")).ok());
  EXPECT_TRUE(absl::IsAborted(stored())) << "of its name";
  ASSERT_TRUE(store_->Unenrol(Bytes(32, 'b'), {"spiffe://op", "no", kNow}).ok());
  EXPECT_TRUE(stored().ok());
  ASSERT_TRUE(Enrol(Key('c', v1::TPM_KEY_KIND_ENDORSEMENT, "prod/n2")).ok());
  EXPECT_TRUE(stored().ok()) << "of somebody else";
}

TEST_F(EnrolmentStoreTest, ADatabaseOfVersion4IsTakenOver) {
  store_.reset();
  std::filesystem::remove(File());
  {
    const SqliteDatabase::Schema version4{kSchema.application_id, kSchema.migrations.first(4)};
    auto old = SqliteDatabase::Open(File(), version4, {std::chrono::milliseconds(1000), 0});
    ASSERT_TRUE(old.ok()) << old.status();
    ASSERT_TRUE((*old)
                    ->Execute("INSERT INTO ban (kind, value, at, by, because) VALUES (3, 'prod/n9', 1, 'spiffe://op', 'old')",
                              "make an old database")
                    .ok());
  }
  Open();
  EXPECT_EQ(store_->ListBans({})->elements.size(), 1U);
  EXPECT_THAT(store_->ListEnrolments({})->elements, IsEmpty());
  EXPECT_TRUE(Enrol(Key('a')).ok());
  EXPECT_THAT(*CheckDatabase(File()), IsEmpty());
}

}  // namespace
}  // namespace assay::store
