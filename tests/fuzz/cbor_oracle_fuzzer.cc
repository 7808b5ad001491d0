// CBOR against libcbor: what our decoder accepts libcbor accepts whole, and both read the same. libcbor accepts much that ours refuses
// (keys twice, longer forms than need be, bytes behind the item), so the reverse does not hold. Tags 6 to 20, COSE_Sign1's among them,
// libcbor 0.8 takes for unassigned and refuses: of these it is no judge.
#include <cbor.h>

#include <algorithm>

#include "base/bug.h"
#include "base/hex.h"
#include "codec/cbor.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

void CheckSame(const cbor::Value& ours, cbor_item_t* theirs);

bool HasTagThatTheyRefuse(const cbor::Value& value) {
  for (std::uint64_t tag = 6; tag <= 20; ++tag) {
    if (value.Untag(tag) != nullptr) return true;
  }
  if (const auto* elements = value.AsArray()) return std::any_of(elements->begin(), elements->end(), &HasTagThatTheyRefuse);
  if (const auto* entries = value.AsMap()) {
    return std::any_of(entries->begin(), entries->end(), [](const cbor::Entry& entry) { return HasTagThatTheyRefuse(entry.value); });
  }
  for (const std::uint64_t tag : {0U, 1U, 2U, 3U, 4U, 5U, 21U, 22U, 23U, 24U}) {
    if (const cbor::Value* content = value.Untag(tag)) return HasTagThatTheyRefuse(*content);
  }
  return value.KindName() == "a tag";  // of another number: what is inside can't be asked for
}

ByteView TextOf(const cbor_item_t* item) { return {cbor_string_handle(item), cbor_string_length(item)}; }

void CheckScalar(const cbor::Value& ours, const cbor_item_t* theirs) {
  switch (cbor_typeof(theirs)) {
    case CBOR_TYPE_UINT: ASSAY_CHECK(ours.AsUint64() == cbor_get_int(theirs)); return;
    case CBOR_TYPE_NEGINT: {
      const std::uint64_t argument = cbor_get_int(theirs);
      ASSAY_CHECK(!ours.AsUint64() && ours.KindName() == "an integer");
      if (argument <= INT64_MAX) ASSAY_CHECK(ours.AsInt64() == -1 - static_cast<std::int64_t>(argument));
      return;
    }
    case CBOR_TYPE_BYTESTRING:
      ASSAY_CHECK(ours.AsBytes() != nullptr && cbor_bytestring_is_definite(theirs));
      ASSAY_CHECK(Equal(*ours.AsBytes(), ByteView(cbor_bytestring_handle(theirs), cbor_bytestring_length(theirs))));
      return;
    case CBOR_TYPE_STRING:
      ASSAY_CHECK(ours.AsString() != nullptr && cbor_string_is_definite(theirs) && Equal(AsBytes(*ours.AsString()), TextOf(theirs)));
      return;
    default: break;
  }
  ASSAY_CHECK(cbor_typeof(theirs) == CBOR_TYPE_FLOAT_CTRL);
  if (!cbor_float_ctrl_is_ctrl(theirs)) {
    ASSAY_CHECK(ours.KindName() == "a floating-point number");
  } else if (cbor_is_bool(theirs)) {
    ASSAY_CHECK(ours.AsBool() == cbor_get_bool(theirs));
  } else {
    ASSAY_CHECK(cbor_is_null(theirs) && ours.IsNull());
  }
}

void CheckSame(const cbor::Value& ours, cbor_item_t* theirs) {
  if (cbor_isa_array(theirs)) {
    const auto* elements = ours.AsArray();
    ASSAY_CHECK(elements != nullptr && elements->size() == cbor_array_size(theirs));
    for (std::size_t i = 0; i < elements->size(); ++i) CheckSame((*elements)[i], cbor_array_handle(theirs)[i]);
  } else if (cbor_isa_map(theirs)) {
    const auto* entries = ours.AsMap();
    ASSAY_CHECK(entries != nullptr && entries->size() == cbor_map_size(theirs));
    for (std::size_t i = 0; i < entries->size(); ++i) {
      CheckSame((*entries)[i].key, cbor_map_handle(theirs)[i].key);
      CheckSame((*entries)[i].value, cbor_map_handle(theirs)[i].value);
    }
  } else if (cbor_isa_tag(theirs)) {
    const cbor::Value* content = ours.Untag(cbor_tag_value(theirs));
    ASSAY_CHECK(content != nullptr);
    cbor_item_t* item = cbor_tag_item(theirs);
    CheckSame(*content, item);
    cbor_decref(&item);
  } else {
    CheckScalar(ours, theirs);
  }
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds;
  for (const char* hex :
       {"a201020304", "bf61619f0102ff6162f6ff", "d28443a10126a0440102030443010203", "fb3ff199999999999a", "f93c00", "fa47c35000",
        "3bffffffffffffffff", "83f4f5f6", "a26161016162820203", "c11a514b67b0", "d818450102030405", "1bffffffffffffffff",
        "5818181818181818181818181818181818181818181818181818", "7818c3bcc3bcc3bcc3bcc3bcc3bcc3bcc3bcc3bcc3bcc3bcc3bc"}) {
    seeds.push_back(*FromHex(hex));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Outcome<cbor::Value> ours = cbor::Parse({data, size}, "fuzz", {.indefinite = true});
  if (!ours || HasTagThatTheyRefuse(*ours)) return 0;
  cbor_load_result result{};
  cbor_item_t* theirs = cbor_load(data, size, &result);
  ASSAY_CHECK(theirs != nullptr && result.error.code == CBOR_ERR_NONE && result.read == size);
  CheckSame(*ours, theirs);
  cbor_decref(&theirs);
  return 0;
}

}  // namespace assay
