#ifndef PEYVAND_CNGHTTP2_SHIM_H
#define PEYVAND_CNGHTTP2_SHIM_H

#include <nghttp2/nghttp2.h>

// NGHTTP2_DATA_FLAG_* and NGHTTP2_NV_FLAG_* are enumerators of one width and the fields that take them are of
// another; Swift needs them as the field's own type.
static inline uint32_t peyvand_data_flag_eof(void) { return NGHTTP2_DATA_FLAG_EOF; }
static inline uint32_t peyvand_data_flag_no_end_stream(void) { return NGHTTP2_DATA_FLAG_NO_END_STREAM; }
static inline uint8_t peyvand_nv_flag_none(void) { return NGHTTP2_NV_FLAG_NONE; }
static inline uint8_t peyvand_nv_flag_no_index(void) { return NGHTTP2_NV_FLAG_NO_INDEX; }

#endif
