// The tables of an Assay database, version by version. A version that was released is never edited: the next one alters it.
#pragma once

#include "store/sqlite_database.h"

namespace assay::store {

extern const SqliteDatabase::Schema kSchema;

}  // namespace assay::store
