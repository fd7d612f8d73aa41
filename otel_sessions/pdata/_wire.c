/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP trace requests, from protobuf wire bytes to columns in one pass.
 *
 * The rule that keeps this file small: what is not plain is DEFERRED. A request that this scanner does not
 * understand in full - bytes that are not protobuf, text that is not UTF-8, a message that protobuf would merge,
 * values nested deep - leaves no rows, and its caller gives it to the reference decoder. So nothing here decides
 * that a request is invalid, and whatever is taken here is taken exactly as the reference decoder takes it.
 * Single values whose text is work for Python (maps, bytes, some doubles) leave an empty text behind and a
 * DEFERRED_VALUE record that says where their AnyValue stands.
 *
 * Spans have the same few keys again and again, mostly in the same order. So a key is known by the number of its name,
 * guessed from the name before it, and what is asked of names later is asked once each: `name` are the distinct ones,
 * `span_attribute_name` says which each attribute of a span has, and `named_*` are these attributes by name.
 *
 * A column of text is two buffers: the bytes, and where each text ends, after a leading 0 (Arrow's 32-bit offsets).
 * fast.py reads the layout from wire_layout(), so that the columns are named once, here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "3" /* of the functions at the end of this file */
#define MAX_NESTING 16 /* arrays and maps within each other; deeper is deferred. Protobuf takes over 40. */
#define MAX_GROWTH 24 /* bytes of text that a byte of an array may become: a double of 9 bytes, or a varint of 2 */
#define MAX_PROBES 64 /* of a key in the table of a row's keys; more is an attack on the hash, and deferred */
#define MAX_NAMES 4096 /* distinct keys that are known by number; where there are more, no numbers are handed out */
#define NO_NAME UINT32_MAX

#define ATTRIBUTES(TEXT, ENDS, OWNER) \
    ENDS(OWNER##_attributes) TEXT(OWNER##_keys) TEXT(OWNER##_values)

/* TEXT: bytes and their ends. ENDS: int32 ends of lists, after a leading 0. NUMBER: of 1, 4 or 8 bytes. */
#define COLUMNS(TEXT, ENDS, NUMBER) \
    NUMBER(result) NUMBER(deferred_value) \
    TEXT(name) NUMBER(span_attribute_name) ENDS(named_ends) NUMBER(named_place) NUMBER(named_row) \
    NUMBER(resource_request) NUMBER(resource_service) NUMBER(resource_dropped) \
    TEXT(resource_schema_url) ENDS(resource_composites) TEXT(resource_composite) \
    ATTRIBUTES(TEXT, ENDS, resource) \
    NUMBER(scope_dropped) TEXT(scope_name) TEXT(scope_version) TEXT(scope_schema_url) \
    ATTRIBUTES(TEXT, ENDS, scope) \
    NUMBER(span_resource) NUMBER(span_scope) ENDS(span_composites) TEXT(span_composite) \
    TEXT(span_trace_id) TEXT(span_id) TEXT(span_parent_id) TEXT(span_trace_state) NUMBER(span_flags) \
    TEXT(span_name) NUMBER(span_kind) NUMBER(span_dropped) NUMBER(span_timestamp) NUMBER(span_start) \
    NUMBER(span_end) NUMBER(span_duration) NUMBER(span_status) TEXT(span_message) \
    NUMBER(span_dropped_events) NUMBER(span_dropped_links) ENDS(span_events) ENDS(span_links) \
    ATTRIBUTES(TEXT, ENDS, span) \
    NUMBER(event_timestamp) TEXT(event_name) NUMBER(event_dropped) \
    ATTRIBUTES(TEXT, ENDS, event) \
    TEXT(link_trace_id) TEXT(link_span_id) TEXT(link_trace_state) NUMBER(link_dropped) NUMBER(link_flags) \
    ATTRIBUTES(TEXT, ENDS, link)

#define NAME_TEXT(NAME) NAME, NAME##_ends,
#define NAME_ENDS(NAME) NAME,
#define NAME_NUMBER(NAME) NAME,
enum column { COLUMNS(NAME_TEXT, NAME_ENDS, NAME_NUMBER) COLUMN_COUNT };

struct buffer {
    uint8_t *data;
    size_t size, capacity;
};

struct slice {
    const uint8_t *at, *end;
};

struct field {
    uint32_t tag; /* field number << 3 | wire type */
    uint64_t number; /* of VARINT, FIXED64 and FIXED32 */
    struct slice bytes; /* of BYTES */
};

enum kind { STRING, BOOL, INT, DOUBLE, EMPTY, ARRAY, OTHER }; /* from EMPTY on: composite, as values.is_composite */

struct value {
    enum kind kind;
    uint64_t number;
    struct slice bytes; /* of STRING and ARRAY */
    struct slice raw; /* the AnyValue */
};

struct attribute {
    struct slice key;
    uint32_t name; /* the number of the key, or NO_NAME */
    uint64_t hash; /* without a number */
    struct value value;
};

/* A key, once for all rows. */
struct name {
    struct slice key;
    uint64_t hash;
    uint32_t next; /* the name that came after it last */
    uint32_t generation, place; /* of the row that it was in last, and its place there */
};

/* Where the attributes of one kind of row go; the entry's place in GROUPS is its number in DEFERRED_VALUE. */
struct group {
    enum column rows, keys, values, composites, composite, names;
};

enum owner { RESOURCE, SCOPE, SPAN, EVENT, LINK };

static const struct group GROUPS[] = {
    [RESOURCE] = {resource_attributes, resource_keys, resource_values, resource_composites, resource_composite, COLUMN_COUNT},
    [SCOPE] = {scope_attributes, scope_keys, scope_values, COLUMN_COUNT, COLUMN_COUNT, COLUMN_COUNT},
    [SPAN] = {span_attributes, span_keys, span_values, span_composites, span_composite, span_attribute_name},
    [EVENT] = {event_attributes, event_keys, event_values, COLUMN_COUNT, COLUMN_COUNT, COLUMN_COUNT},
    [LINK] = {link_attributes, link_keys, link_values, COLUMN_COUNT, COLUMN_COUNT, COLUMN_COUNT},
};

struct result {
    uint64_t understood, accepted, bad_trace, bad_span, bad_parent;
    uint64_t shared; /* at least what resources and scopes come to when repeated for each span */
    uint64_t attributes, events, links; /* the most that a span has which is taken */
    uint64_t longest; /* while checking: at least the bytes of the longest value of a span or resource */
};

struct wire {
    struct buffer columns[COLUMN_COUNT]; /* first: wire_columns() hands them out */
    bool failed; /* out of memory, or a column beyond 32-bit offsets */
    bool checking; /* columns have sizes, but no data */
    struct attribute *attributes; /* of the row being read, each key once */
    size_t attribute_count, attribute_capacity;
    size_t checked_count; /* instead, while checking: how many there are, a key that is there twice counted twice */
    uint64_t checked_longest; /* and at least the bytes of the longest value */
    uint64_t *slots; /* hash table of those without a name's number: generation << 32 | index */
    size_t slot_count; /* a power of two */
    uint32_t generation;
    struct name *names;
    size_t name_count, name_capacity;
    uint32_t *name_slots; /* hash table of those: number + 1, 0 where free; twice as many as there is room for names */
    uint32_t last_name; /* the one that was found last */
    bool names_closed; /* there are too many names: none is added any more */
    uint32_t request;
    const uint8_t *start; /* of the request */
    struct result result;
};

#define VARINT 0
#define FIXED64 1
#define BYTES 2
#define FIXED32 5
#define TAG(NUMBER, TYPE) ((uint32_t)(NUMBER) << 3 | (TYPE))

static size_t length(struct slice slice) {
    return (size_t)(slice.end - slice.at);
}

/* --- columns --- */

/* Makes room for `more` bytes; false, and failed, if there is none. */
static bool reserve(struct wire *wire, enum column column, size_t more) {
    struct buffer *buffer = &wire->columns[column];
    if (more <= buffer->capacity - buffer->size) return true;
    size_t capacity = buffer->capacity;
    while (capacity - buffer->size < more) {
        if (capacity > INT32_MAX) {
            wire->failed = true;
            return false;
        }
        capacity *= 2;
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data) {
        wire->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

static inline bool append(struct wire *wire, enum column column, const void *data, size_t size) {
    struct buffer *buffer = &wire->columns[column];
    if (!wire->checking) {
        if (size > buffer->capacity - buffer->size && !reserve(wire, column, size)) return false;
        if (size && data) memcpy(buffer->data + buffer->size, data, size);
    }
    buffer->size += size;
    return true;
}

static bool put8(struct wire *wire, enum column column, uint8_t number) {
    return append(wire, column, &number, sizeof number);
}

static bool put32(struct wire *wire, enum column column, uint32_t number) {
    return append(wire, column, &number, sizeof number);
}

static bool put64(struct wire *wire, enum column column, uint64_t number) {
    return append(wire, column, &number, sizeof number);
}

/* Ends the text whose bytes were appended to `column`. */
static bool end_text(struct wire *wire, enum column column) {
    if (wire->columns[column].size > INT32_MAX) {
        wire->failed = true;
        return false;
    }
    return put32(wire, column + 1, (uint32_t)wire->columns[column].size);
}

static bool put_text(struct wire *wire, enum column column, struct slice text) {
    return append(wire, column, text.at, length(text)) && end_text(wire, column);
}

static bool put_hex(struct wire *wire, enum column column, struct slice id) {
    static const char digits[] = "0123456789abcdef";
    size_t size = length(id);
    if (size > INT32_MAX / 2) wire->failed = true;
    if (wire->failed) return false;
    if (wire->checking) return append(wire, column, NULL, 2 * size) && end_text(wire, column);
    if (!reserve(wire, column, 2 * size)) return false;
    uint8_t *out = wire->columns[column].data + wire->columns[column].size;
    for (size_t i = 0; i < size; i++) {
        *out++ = (uint8_t)digits[id.at[i] >> 4];
        *out++ = (uint8_t)digits[id.at[i] & 15];
    }
    wire->columns[column].size += 2 * size;
    return end_text(wire, column);
}

/* How many rows an ENDS column, or the ends of a TEXT column, has. */
static uint32_t rows(const struct wire *wire, enum column ends) {
    return (uint32_t)(wire->columns[ends].size / sizeof(uint32_t)) - 1;
}

/* --- protobuf --- */

static bool read_varint(struct slice *in, uint64_t *number) {
    uint64_t result = 0;
    if (in->at < in->end && *in->at < 0x80) { /* nearly all */
        *number = *in->at++;
        return true;
    }
    for (unsigned shift = 0; shift < 70 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1) return false;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *number = result;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct slice *in, unsigned size, uint64_t *number) {
    if (length(*in) < size) return false;
    uint64_t result = 0;
    for (unsigned i = 0; i < size; i++) result |= (uint64_t)in->at[i] << (8 * i);
    in->at += size;
    *number = result;
    return true;
}

static bool read_bytes(struct slice *in, struct slice *bytes) {
    uint64_t size;
    if (!read_varint(in, &size) || size > length(*in)) return false;
    *bytes = (struct slice){in->at, in->at + size};
    in->at += size;
    return true;
}

/* The next field, of whatever number; false if it is malformed or a group. */
static bool next(struct slice *in, struct field *field) {
    const uint8_t *at = in->at;
    if (length(*in) >= 2 && (at[0] & 0x87) == BYTES && at[0] >> 3 && at[1] < 0x80) { /* nearly all: short, numbers up to 15 */
        size_t size = at[1];
        if (size > length(*in) - 2) return false;
        field->tag = at[0];
        field->bytes = (struct slice){at + 2, at + 2 + size};
        in->at = at + 2 + size;
        return true;
    }
    uint64_t tag;
    if (!read_varint(in, &tag) || tag > UINT32_MAX || tag >> 3 == 0) return false;
    field->tag = (uint32_t)tag;
    switch (tag & 7) {
    case VARINT: return read_varint(in, &field->number);
    case FIXED64: return read_fixed(in, 8, &field->number);
    case FIXED32: return read_fixed(in, 4, &field->number);
    case BYTES: return read_bytes(in, &field->bytes);
    default: return false;
    }
}

/* Whether these are UTF-8 as of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(struct slice in) {
    const uint8_t *p = in.at, *end = in.end;
    while (p < end) {
        uint64_t eight, more_eights[3];
        if (end - p >= 32 && (memcpy(&eight, p, 8), memcpy(more_eights, p + 8, 24),
            !((eight | more_eights[0] | more_eights[1] | more_eights[2]) & UINT64_C(0x8080808080808080)))) {
            p += 32;
            continue;
        }
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & UINT64_C(0x8080808080808080)))) {
            p += 8;
            continue;
        }
        if (end - p < 8) { /* what is left may be looked at together with what was before it */
            uint32_t first, last;
            if (length(in) >= 8 && (memcpy(&eight, end - 8, 8), !(eight & UINT64_C(0x8080808080808080)))) return true;
            if (end - p >= 4 && (memcpy(&first, p, 4), memcpy(&last, end - 4, 4), !((first | last) & UINT32_C(0x80808080)))) return true;
        }
        uint8_t lead = *p++;
        if (lead < 0x80) continue;
        unsigned more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - p) < more) return false;
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (*p < low || *p > high) return false;
        for (p++; --more; p++)
            if (*p < 0x80 || *p > 0xbf) return false;
    }
    return true;
}

/* Takes a field as text; false if it is not UTF-8. */
static bool take_text(const struct field *field, struct slice *text) {
    *text = field->bytes;
    return is_utf8(*text);
}

/* Takes a submessage that may occur once; protobuf would merge two. */
static bool take_once(const struct field *field, struct slice *message) {
    if (message->at) return false;
    *message = field->bytes;
    return true;
}

/* --- attributes --- */

static bool read_pair(struct wire *wire, struct slice in, unsigned depth, struct attribute *attribute);

static bool read_value(struct slice in, unsigned depth, struct value *value);

/* Whether an ArrayValue or a KeyValueList can be read by itself, its strings and what it contains included. */
static bool check_nested(struct slice in, bool is_map, unsigned depth) {
    struct field field;
    struct attribute ignored;
    if (depth >= MAX_NESTING) return false;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        if (field.tag != TAG(1, BYTES)) continue;
        if (is_map ? !read_pair(NULL, field.bytes, depth + 1, &ignored) : !read_value(field.bytes, depth + 1, &ignored.value))
            return false;
    }
    return true;
}

static bool read_value(struct slice in, unsigned depth, struct value *value) {
    struct field field;
    *value = (struct value){.kind = EMPTY, .raw = in};
    bool seen = false;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        enum kind kind;
        switch (field.tag) {
        case TAG(1, BYTES):
            kind = STRING;
            if (!take_text(&field, &value->bytes)) return false;
            break;
        case TAG(2, VARINT): kind = BOOL; break;
        case TAG(3, VARINT): kind = INT; break;
        case TAG(4, FIXED64): kind = DOUBLE; break;
        case TAG(5, BYTES):
            kind = ARRAY;
            value->bytes = field.bytes;
            if (!check_nested(field.bytes, false, depth)) return false;
            break;
        case TAG(6, BYTES):
            kind = OTHER;
            if (!check_nested(field.bytes, true, depth)) return false;
            break;
        case TAG(7, BYTES): kind = OTHER; break;
        case TAG(8, VARINT): return false; /* of the profiling signal */
        default: continue;
        }
        if (seen) return false;
        seen = true;
        value->kind = kind;
        value->number = field.number;
    }
    return true;
}

static uint64_t hash(struct slice key) {
    uint64_t result = length(key) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t left = length(key); left; ) {
        uint64_t word = 0;
        size_t size = left < 8 ? left : 8;
        memcpy(&word, key.at + length(key) - left, size);
        result = (result ^ word) * UINT64_C(0xff51afd7ed558ccd);
        result ^= result >> 32;
        left -= size;
    }
    result *= UINT64_C(0xc4ceb9fe1a85ec53);
    return result ^ result >> 33;
}

static inline bool equal(struct slice one, struct slice other) {
    return length(one) == length(other) && memcmp(one.at, other.at, length(one)) == 0;
}

/* Where the number of a key stands, or is to stand: a slot of `slots`; null after too many probes. */
static uint32_t *find_name(const struct name *names, uint32_t *slots, size_t slot_count, uint64_t hash, struct slice key) {
    for (size_t probe = 0; probe < MAX_PROBES; probe++) {
        uint32_t *slot = &slots[(hash + probe) & (slot_count - 1)];
        if (!*slot || (names[*slot - 1].hash == hash && equal(names[*slot - 1].key, key))) return slot;
    }
    return NULL;
}

/* Doubles the room for names, or closes them. */
static void grow_names(struct wire *wire) {
    size_t capacity = wire->name_capacity * 2;
    struct name *names = capacity > MAX_NAMES ? NULL : realloc(wire->names, capacity * sizeof *names);
    uint32_t *slots = names ? calloc(capacity * 2, sizeof *slots) : NULL;
    if (names) wire->names = names;
    for (size_t i = 0; slots && i < wire->name_count; i++) {
        uint32_t *slot = find_name(names, slots, capacity * 2, names[i].hash, names[i].key);
        if (slot) {
            *slot = (uint32_t)i + 1;
        } else {
            free(slots);
            slots = NULL;
        }
    }
    if (slots) {
        free(wire->name_slots);
        wire->name_slots = slots;
        wire->name_capacity = capacity;
    } else {
        wire->names_closed = true;
    }
}

/* Takes a key that is not the one expected; false if it is not UTF-8. Once names are closed their table stays as it is,
 * so that a key has a number in all of a row or in none of it. */
static bool look_up(struct wire *wire, struct slice key, struct attribute *attribute) {
    attribute->hash = hash(key);
    uint32_t *slot = find_name(wire->names, wire->name_slots, wire->name_capacity * 2, attribute->hash, key);
    if (slot && *slot) {
        attribute->name = *slot - 1;
        return true;
    }
    if (!is_utf8(key)) return false;
    if (!slot) wire->names_closed = true;
    if (!wire->names_closed && wire->name_count == wire->name_capacity) {
        grow_names(wire);
        if (!wire->names_closed) return look_up(wire, key, attribute);
    }
    attribute->name = wire->names_closed ? NO_NAME : (uint32_t)wire->name_count;
    if (wire->names_closed) return true;
    *slot = (uint32_t)++wire->name_count;
    wire->names[attribute->name] = (struct name){.key = key, .hash = attribute->hash, .next = NO_NAME};
    return true;
}

/* Takes the key of an attribute, with its number; without a wire, as text alone. False if it is not UTF-8. */
static inline bool take_key(struct wire *wire, struct slice key, struct attribute *attribute) {
    attribute->key = key;
    if (!wire) return is_utf8(key);
    uint32_t expected = wire->last_name == NO_NAME ? NO_NAME : wire->names[wire->last_name].next;
    if (expected != NO_NAME && equal(wire->names[expected].key, key)) {
        attribute->name = expected;
    } else {
        if (!look_up(wire, key, attribute)) return false;
        if (attribute->name == NO_NAME) return true;
        if (wire->last_name != NO_NAME) wire->names[wire->last_name].next = attribute->name;
    }
    wire->last_name = attribute->name;
    return true;
}

/* Reads a KeyValue of an attribute, or, without a wire, one within a map. */
static bool read_pair(struct wire *wire, struct slice in, unsigned depth, struct attribute *attribute) {
    struct field field;
    struct slice value = {0};
    static const uint8_t none[1];
    attribute->key = (struct slice){0};
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, BYTES):
            if (!take_key(wire, field.bytes, attribute)) return false;
            break;
        case TAG(2, BYTES):
            if (!take_once(&field, &value)) return false;
            break;
        case TAG(3, VARINT): return false; /* of the profiling signal */
        }
    }
    if (!attribute->key.at && !take_key(wire, (struct slice){none, none}, attribute)) return false;
    if (!value.at) value = (struct slice){none, none};
    return read_value(value, depth, &attribute->value);
}

/* Begins the attributes of a row. */
static void clear_attributes(struct wire *wire) {
    wire->attribute_count = wire->checked_count = wire->checked_longest = 0;
    if (++wire->generation == 0) { /* slots of old generations would look new */
        memset(wire->slots, 0, wire->slot_count * sizeof *wire->slots);
        for (size_t i = 0; i < wire->name_count; i++) wire->names[i].generation = 0;
        wire->generation = 1;
    }
}

/* The slot of a key, or a free one; null after too many probes. */
static uint64_t *find_slot(struct wire *wire, const struct attribute *wanted) {
    size_t mask = wire->slot_count - 1;
    for (size_t probe = 0; probe < MAX_PROBES; probe++) {
        uint64_t *slot = &wire->slots[(wanted->hash + probe) & mask];
        if (*slot >> 32 != wire->generation) return slot;
        const struct attribute *found = &wire->attributes[(uint32_t)*slot];
        if (found->hash == wanted->hash && equal(found->key, wanted->key)) return slot;
    }
    return NULL;
}

/* Doubles the room for attributes, keeping those there are. */
static bool grow_attributes(struct wire *wire) {
    size_t capacity = wire->attribute_capacity * 2;
    struct attribute *attributes = NULL;
    uint64_t *slots = NULL;
    if (capacity <= INT32_MAX / 4) {
        attributes = realloc(wire->attributes, capacity * sizeof *attributes);
        if (attributes) wire->attributes = attributes;
        slots = calloc(capacity * 4, sizeof *slots);
    }
    if (!attributes || !slots) {
        free(slots);
        wire->failed = true;
        return false;
    }
    free(wire->slots);
    wire->slots = slots;
    wire->slot_count = capacity * 4;
    wire->attribute_capacity = capacity;
    for (size_t i = 0; i < wire->attribute_count; i++) {
        if (wire->attributes[i].name != NO_NAME) continue;
        uint64_t *slot = find_slot(wire, &wire->attributes[i]);
        if (!slot) return false;
        *slot = (uint64_t)wire->generation << 32 | i;
    }
    return true;
}

/* At least the bytes of the text of a value; 0 for those that are left to Python. */
static uint64_t measure(const struct value *value) {
    return value->kind == STRING ? length(value->bytes) : value->kind == ARRAY ? length(value->bytes) * MAX_GROWTH : 0;
}

/* Reads a KeyValue as add_attribute does, and only counts it. */
static bool check_attribute(struct wire *wire, struct slice pair) {
    struct attribute attribute;
    if (!read_pair(NULL, pair, 0, &attribute)) return false;
    uint64_t size = measure(&attribute.value);
    if (size > wire->checked_longest) wire->checked_longest = size;
    wire->checked_count++;
    return true;
}

/* Adds a KeyValue to the row's attributes; a key that is there keeps its place and takes the new value. */
static bool add_attribute(struct wire *wire, struct slice pair) {
    if (wire->checking) return check_attribute(wire, pair);
    if (wire->attribute_count == wire->attribute_capacity && !grow_attributes(wire)) return false;
    struct attribute *attribute = &wire->attributes[wire->attribute_count];
    if (!read_pair(wire, pair, 0, attribute)) return false;
    if (attribute->name != NO_NAME) {
        struct name *name = &wire->names[attribute->name];
        if (name->generation == wire->generation) {
            wire->attributes[name->place].value = attribute->value;
        } else {
            name->generation = wire->generation;
            name->place = (uint32_t)wire->attribute_count++;
        }
        return true;
    }
    uint64_t *slot = find_slot(wire, attribute);
    if (!slot) return false;
    if (*slot >> 32 == wire->generation)
        wire->attributes[(uint32_t)*slot].value = attribute->value;
    else
        *slot = (uint64_t)wire->generation << 32 | wire->attribute_count++;
    return true;
}

/* The decimal digits of `number` to `out`, which has room for 20; returns how many. */
static size_t print_int(int64_t number, char *out) {
    char reversed[20];
    size_t size = 0, count = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do reversed[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) out[size++] = '-';
    while (count) out[size++] = reversed[--count];
    return size;
}

/* The fewest digits that read back as `number`, a normal double, as "d.ddde+xx" to `out`; false if not certain.
 *
 * Up to 15 digits survive the way through a double, so the first precision that reads back is the shortest one. Beyond,
 * the nearest decimal may be out of a power of two's lopsided range where another of its length is not.
 */
static bool shortest(double number, uint64_t bits, char *out, size_t room) {
    for (int digits = 15; digits <= 17; digits++) {
        if (digits > 15 && !(bits & ((UINT64_C(1) << 52) - 1))) return false;
        snprintf(out, room, "%.*e", digits - 1, number);
        if (strtod(out, NULL) == number) return true;
    }
    return false;
}

/* A double as values.double_as_text writes it, to `out`, which has room for 40; 0 if that is left to Python. */
static size_t print_double(uint64_t bits, char *out) {
    double number;
    memcpy(&number, &bits, sizeof number);
    bool negative = bits >> 63;
    unsigned exponent_bits = bits >> 52 & 0x7ff;
    if (number > -9007199254740992.0 && number < 9007199254740992.0 && number == (double)(int64_t)number) {
        if (number == 0 && negative) return (size_t)(memcpy(out, "-0", 2), 2);
        return print_int((int64_t)number, out);
    }
    if (exponent_bits == 0x7ff || exponent_bits == 0) return 0; /* infinities, no numbers; denormals */
    char printed[40];
    if (!shortest(negative ? -number : number, bits, printed, sizeof printed)) return 0;
    if (printed[1] != '.') return 0; /* a locale with a decimal comma */
    char digits[20];
    int count = 0, exponent;
    const char *p = printed;
    for (; *p && *p != 'e'; p++)
        if (*p != '.') digits[count++] = *p;
    if (*p != 'e') return 0;
    exponent = atoi(p + 1);
    while (count > 1 && digits[count - 1] == '0') count--;
    if (exponent < -6 || exponent >= 21) {
        return (size_t)snprintf(out, 40, "%s%c%s%.*se%+d", negative ? "-" : "", digits[0], count > 1 ? "." : "",
                                count - 1, digits + 1, exponent);
    }
    size_t size = 0;
    if (negative) out[size++] = '-';
    if (exponent < 0) {
        out[size++] = '0';
        out[size++] = '.';
        for (int i = exponent + 1; i < 0; i++) out[size++] = '0';
    }
    for (int i = 0; i < count || i <= exponent; i++) {
        out[size++] = i < count ? digits[i] : '0';
        if (i == exponent && i + 1 < count) out[size++] = '.';
    }
    return size;
}

/* Notes that the text of the value about to be ended is Python's to write. */
static bool defer_value(struct wire *wire, enum owner owner, struct slice raw) {
    const uint64_t record[] = {
        owner, rows(wire, GROUPS[owner].values + 1), wire->request, (uint64_t)(raw.at - wire->start), length(raw),
    };
    return append(wire, deferred_value, record, sizeof record);
}

/* What became of a value: its text appended; or left to Python; or no room, or not understood. */
enum outcome { WRITTEN, LEFT, FAILED };

static enum outcome put_bytes(struct wire *wire, enum column column, const void *data, size_t size) {
    return append(wire, column, data, size) ? WRITTEN : FAILED;
}

/* A number or truth value, the same as text and in JSON. */
static enum outcome put_number(struct wire *wire, enum column column, const struct value *value) {
    char text[40];
    if (value->kind == BOOL) return put_bytes(wire, column, value->number ? "true" : "false", value->number ? 4 : 5);
    size_t size = value->kind == INT ? print_int((int64_t)value->number, text) : print_double(value->number, text);
    return size ? put_bytes(wire, column, text, size) : LEFT;
}

/* How values._json_string writes the character at `at`, to `out`; 0 if it is written as it is. */
static size_t escape(const uint8_t *at, const uint8_t *end, char out[7], size_t *width) {
    static const char named[] = "\"\"\\\\\nn\rr\tt\bb\ff";
    *width = 1;
    bool plain = *at != '"' && *at != '\\' && *at != '<' && *at != '>' && *at != '&' && *at != 0xe2;
    if (plain && *at >= 0x20) return 0;
    for (const char *pair = named; *pair; pair += 2)
        if ((uint8_t)pair[0] == *at) return (size_t)snprintf(out, 7, "\\%c", pair[1]);
    if (*at != 0xe2) return (size_t)snprintf(out, 7, "\\u%04x", *at);
    if (end - at < 3 || at[1] != 0x80 || (at[2] & 0xfe) != 0xa8) return 0;
    *width = 3; /* U+2028 and U+2029 */
    return (size_t)snprintf(out, 7, "\\u%04x", 0x2000 + (at[2] & 0x3f));
}

static enum outcome put_json_string(struct wire *wire, enum column column, struct slice text) {
    char escaped[7];
    size_t width;
    if (!append(wire, column, "\"", 1)) return FAILED;
    for (const uint8_t *plain = text.at; text.at < text.end; text.at += width) {
        size_t size = escape(text.at, text.end, escaped, &width);
        if (size) {
            if (!append(wire, column, plain, (size_t)(text.at - plain)) || !append(wire, column, escaped, size))
                return FAILED;
            plain = text.at + width;
        }
        if (text.at + width == text.end && !append(wire, column, plain, (size_t)(text.end - plain))) return FAILED;
    }
    return put_bytes(wire, column, "\"", 1);
}

/* An array as values._json_array writes it, unless it contains what is left to Python. Its depth was checked. */
static enum outcome put_json_array(struct wire *wire, enum column column, struct slice in) {
    struct field field;
    struct value value;
    enum outcome outcome = put_bytes(wire, column, "[", 1);
    for (bool first = true; outcome == WRITTEN && in.at < in.end;) {
        if (!next(&in, &field)) return FAILED;
        if (field.tag != TAG(1, BYTES)) continue;
        if (!read_value(field.bytes, 0, &value) || (!first && !append(wire, column, ",", 1))) return FAILED;
        first = false;
        switch (value.kind) {
        case STRING: outcome = put_json_string(wire, column, value.bytes); break;
        case EMPTY: outcome = put_bytes(wire, column, "null", 4); break;
        case ARRAY: outcome = put_json_array(wire, column, value.bytes); break;
        case OTHER: outcome = LEFT; break;
        default: outcome = put_number(wire, column, &value);
        }
    }
    return outcome == WRITTEN ? put_bytes(wire, column, "]", 1) : outcome;
}

/* Writes the text of a value as values.as_text does, or defers it. */
static bool put_value(struct wire *wire, enum owner owner, const struct value *value) {
    enum column column = GROUPS[owner].values;
    size_t before = wire->columns[column].size;
    enum outcome outcome = WRITTEN;
    switch (value->kind) {
    case STRING: outcome = put_bytes(wire, column, value->bytes.at, length(value->bytes)); break;
    case EMPTY: break;
    case ARRAY: outcome = put_json_array(wire, column, value->bytes); break;
    case OTHER: outcome = LEFT; break;
    default: outcome = put_number(wire, column, value);
    }
    if (outcome == FAILED) return false;
    if (outcome == LEFT) {
        wire->columns[column].size = before;
        if (!defer_value(wire, owner, value->raw)) return false;
    }
    return end_text(wire, column);
}

/* Writes the attributes collected as a row of their owner. */
static bool put_attributes(struct wire *wire, enum owner owner) {
    const struct group *group = &GROUPS[owner];
    if (wire->checking) {
        if ((owner == SPAN || owner == RESOURCE) && wire->checked_longest > wire->result.longest)
            wire->result.longest = wire->checked_longest;
        wire->columns[group->keys + 1].size += wire->checked_count * sizeof(uint32_t);
    }
    for (size_t i = 0; i < wire->attribute_count; i++) {
        const struct attribute *attribute = &wire->attributes[i];
        if (!put_text(wire, group->keys, attribute->key) || !put_value(wire, owner, &attribute->value)) return false;
        if (group->names != COLUMN_COUNT && !put32(wire, group->names, attribute->name)) return false;
        if (attribute->value.kind >= EMPTY && group->composite != COLUMN_COUNT && !put_text(wire, group->composite, attribute->key))
            return false;
    }
    if (group->composite != COLUMN_COUNT && !put32(wire, group->composites, rows(wire, group->composite + 1)))
        return false;
    return put32(wire, group->rows, rows(wire, group->keys + 1));
}

/* --- messages --- */

static uint64_t clamped(uint64_t nanoseconds) {
    return nanoseconds > INT64_MAX ? INT64_MAX : nanoseconds;
}

static bool read_event(struct wire *wire, struct slice in) {
    struct field field;
    struct slice name = {0};
    uint64_t time = 0, dropped = 0;
    clear_attributes(wire);
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, FIXED64): time = field.number; break;
        case TAG(2, BYTES):
            if (!take_text(&field, &name)) return false;
            break;
        case TAG(3, BYTES):
            if (!add_attribute(wire, field.bytes)) return false;
            break;
        case TAG(4, VARINT): dropped = field.number; break;
        }
    }
    return put64(wire, event_timestamp, clamped(time)) && put_text(wire, event_name, name) &&
           put32(wire, event_dropped, (uint32_t)dropped) && put_attributes(wire, EVENT);
}

static bool read_link(struct wire *wire, struct slice in) {
    struct field field;
    struct slice trace_id = {0}, id = {0}, trace_state = {0};
    uint64_t dropped = 0, flags = 0;
    clear_attributes(wire);
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, BYTES): trace_id = field.bytes; break;
        case TAG(2, BYTES): id = field.bytes; break;
        case TAG(3, BYTES):
            if (!take_text(&field, &trace_state)) return false;
            break;
        case TAG(4, BYTES):
            if (!add_attribute(wire, field.bytes)) return false;
            break;
        case TAG(5, VARINT): dropped = field.number; break;
        case TAG(6, FIXED32): flags = field.number; break;
        }
    }
    return put_hex(wire, link_trace_id, trace_id) && put_hex(wire, link_span_id, id) &&
           put_text(wire, link_trace_state, trace_state) && put32(wire, link_dropped, (uint32_t)dropped) &&
           put32(wire, link_flags, (uint32_t)flags) && put_attributes(wire, LINK);
}

struct span {
    struct slice trace_id, id, parent_id, trace_state, name, status, message;
    uint64_t flags, kind, start, end, dropped, dropped_events, dropped_links, code;
    bool has_events_or_links;
};

static bool read_status(struct slice in, struct span *span) {
    struct field field;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(2, BYTES) && !take_text(&field, &span->message)) return false;
        if (field.tag == TAG(3, VARINT)) span->code = field.number;
    }
    return true;
}

/* Reads a span but for its events and links. */
static bool read_span_fields(struct wire *wire, struct slice in, struct span *span) {
    struct field field;
    clear_attributes(wire);
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, BYTES): span->trace_id = field.bytes; break;
        case TAG(2, BYTES): span->id = field.bytes; break;
        case TAG(3, BYTES):
            if (!take_text(&field, &span->trace_state)) return false;
            break;
        case TAG(4, BYTES): span->parent_id = field.bytes; break;
        case TAG(5, BYTES):
            if (!take_text(&field, &span->name)) return false;
            break;
        case TAG(6, VARINT): span->kind = field.number; break;
        case TAG(7, FIXED64): span->start = field.number; break;
        case TAG(8, FIXED64): span->end = field.number; break;
        case TAG(9, BYTES):
            if (!add_attribute(wire, field.bytes)) return false;
            break;
        case TAG(10, VARINT): span->dropped = field.number; break;
        case TAG(11, BYTES):
        case TAG(13, BYTES): span->has_events_or_links = true; break;
        case TAG(12, VARINT): span->dropped_events = field.number; break;
        case TAG(14, VARINT): span->dropped_links = field.number; break;
        case TAG(15, BYTES):
            if (!take_once(&field, &span->status)) return false;
            break;
        case TAG(16, FIXED32): span->flags = field.number; break;
        }
    }
    return read_status(span->status, span);
}

static bool read_events_and_links(struct wire *wire, struct slice in) {
    struct field field;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(11, BYTES) && !read_event(wire, field.bytes)) return false;
        if (field.tag == TAG(13, BYTES) && !read_link(wire, field.bytes)) return false;
    }
    return true;
}

static bool is_zero(struct slice id) {
    for (; id.at < id.end; id.at++)
        if (*id.at) return false;
    return true;
}

/* The counter of the fault of the span's ids, or null if they are valid. */
static uint64_t *find_fault(struct wire *wire, const struct span *span) {
    if (length(span->trace_id) != 16 || is_zero(span->trace_id)) return &wire->result.bad_trace;
    if (length(span->id) != 8 || is_zero(span->id)) return &wire->result.bad_span;
    size_t parent = length(span->parent_id);
    return parent != 0 && parent != 8 ? &wire->result.bad_parent : NULL;
}

static uint8_t enum_of(uint64_t number, int32_t known) {
    int32_t value = (int32_t)(uint32_t)number;
    return value >= 0 && value < known ? (uint8_t)value : 0;
}

/* Writes the row of a span whose attributes, events and links are written. */
static bool put_span(struct wire *wire, const struct span *span) {
    struct slice parent = span->parent_id;
    if (is_zero(parent)) parent.at = parent.end;
    return put32(wire, span_resource, rows(wire, resource_attributes) - 1) &&
           put32(wire, span_scope, rows(wire, scope_attributes) - 1) &&
           put_hex(wire, span_trace_id, span->trace_id) && put_hex(wire, span_id, span->id) &&
           put_hex(wire, span_parent_id, parent) && put_text(wire, span_trace_state, span->trace_state) &&
           put32(wire, span_flags, (uint32_t)span->flags) && put_text(wire, span_name, span->name) &&
           put8(wire, span_kind, enum_of(span->kind, 6)) && put32(wire, span_dropped, (uint32_t)span->dropped) &&
           put64(wire, span_timestamp, clamped(span->start)) && put64(wire, span_start, span->start) &&
           put64(wire, span_end, span->end) &&
           put64(wire, span_duration, span->end >= span->start ? span->end - span->start : 0) &&
           put8(wire, span_status, enum_of(span->code, 3)) && put_text(wire, span_message, span->message) &&
           put32(wire, span_dropped_events, (uint32_t)span->dropped_events) &&
           put32(wire, span_dropped_links, (uint32_t)span->dropped_links) &&
           put32(wire, span_events, rows(wire, event_attributes)) &&
           put32(wire, span_links, rows(wire, link_attributes));
}

static void mark(const struct wire *wire, size_t sizes[COLUMN_COUNT]) {
    for (size_t i = 0; i < COLUMN_COUNT; i++) sizes[i] = wire->columns[i].size;
}

static void roll_back(struct wire *wire, const size_t sizes[COLUMN_COUNT]) {
    for (size_t i = 0; i < COLUMN_COUNT; i++) wire->columns[i].size = sizes[i];
}

static void note_most(uint64_t *most, uint32_t count) {
    if (count > *most) *most = count;
}

/* Adds a span, or counts it as rejected: it is read in full even so, for the request stands or falls by it. */
static bool read_span(struct wire *wire, struct slice in) {
    struct span span = {0};
    size_t sizes[COLUMN_COUNT];
    if (!read_span_fields(wire, in, &span)) return false;
    uint64_t *fault = find_fault(wire, &span);
    if (fault) mark(wire, sizes);
    uint32_t keys = rows(wire, span_keys_ends), events = rows(wire, event_attributes), links = rows(wire, link_attributes);
    if (!put_attributes(wire, SPAN)) return false;
    if (span.has_events_or_links && !read_events_and_links(wire, in)) return false;
    if (fault) {
        roll_back(wire, sizes);
        ++*fault;
        return true;
    }
    wire->result.accepted++;
    note_most(&wire->result.attributes, rows(wire, span_keys_ends) - keys);
    note_most(&wire->result.events, rows(wire, event_attributes) - events);
    note_most(&wire->result.links, rows(wire, link_attributes) - links);
    return put_span(wire, &span);
}

static bool read_scope(struct wire *wire, struct slice in) {
    struct field field;
    struct slice name = {0}, version = {0};
    uint64_t dropped = 0;
    clear_attributes(wire);
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, BYTES):
            if (!take_text(&field, &name)) return false;
            break;
        case TAG(2, BYTES):
            if (!take_text(&field, &version)) return false;
            break;
        case TAG(3, BYTES):
            if (!add_attribute(wire, field.bytes)) return false;
            break;
        case TAG(4, VARINT): dropped = field.number; break;
        }
    }
    return put_text(wire, scope_name, name) && put_text(wire, scope_version, version) &&
           put32(wire, scope_dropped, (uint32_t)dropped) && put_attributes(wire, SCOPE);
}

/* Reads a ScopeSpans; `shared` bytes of its resource are repeated for each of its spans. */
static bool read_scope_spans(struct wire *wire, const struct slice message, uint64_t shared) {
    struct field field;
    struct slice scope = {0}, schema_url = {0};
    uint64_t spans = 0;
    for (struct slice in = message; in.at < in.end;) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(1, BYTES) && !take_once(&field, &scope)) return false;
        if (field.tag == TAG(2, BYTES)) spans++;
        if (field.tag == TAG(3, BYTES) && !take_text(&field, &schema_url)) return false;
    }
    shared += length(scope) + length(schema_url);
    wire->result.shared += shared * spans; /* both below 2^32: a request is */
    if (!read_scope(wire, scope) || !put_text(wire, scope_schema_url, schema_url)) return false;
    for (struct slice in = message; in.at < in.end;) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(2, BYTES) && !read_span(wire, field.bytes)) return false;
    }
    return true;
}

/* Whether an EntityRef is well-formed; it is not kept. Its fields 1 to 4 are strings. */
static bool check_entity(struct slice in) {
    struct field field;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        if ((field.tag & 7) == BYTES && field.tag >> 3 <= 4 && !is_utf8(field.bytes)) return false;
    }
    return true;
}

/* The place of the value of service.name among the attributes collected, counted in all rows; -1 if there is none. */
static uint32_t find_service(const struct wire *wire) {
    static const char name[] = "service.name";
    for (size_t i = 0; i < wire->attribute_count; i++) {
        struct slice key = wire->attributes[i].key;
        if (length(key) == sizeof name - 1 && memcmp(key.at, name, sizeof name - 1) == 0)
            return rows(wire, resource_keys_ends) + (uint32_t)i;
    }
    return UINT32_MAX;
}

static bool read_resource(struct wire *wire, struct slice in) {
    struct field field;
    uint64_t dropped = 0;
    clear_attributes(wire);
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        switch (field.tag) {
        case TAG(1, BYTES):
            if (!add_attribute(wire, field.bytes)) return false;
            break;
        case TAG(2, VARINT): dropped = field.number; break;
        case TAG(3, BYTES):
            if (!check_entity(field.bytes)) return false;
            break;
        }
    }
    return put32(wire, resource_request, wire->request) && put32(wire, resource_service, find_service(wire)) &&
           put32(wire, resource_dropped, (uint32_t)dropped) && put_attributes(wire, RESOURCE);
}

static bool read_resource_spans(struct wire *wire, const struct slice message) {
    struct field field;
    struct slice resource = {0}, schema_url = {0};
    for (struct slice in = message; in.at < in.end;) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(1, BYTES) && !take_once(&field, &resource)) return false;
        if (field.tag == TAG(3, BYTES) && !take_text(&field, &schema_url)) return false;
    }
    if (!read_resource(wire, resource) || !put_text(wire, resource_schema_url, schema_url)) return false;
    for (struct slice in = message; in.at < in.end;) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(2, BYTES) && !read_scope_spans(wire, field.bytes, length(resource) + length(schema_url)))
            return false;
    }
    return true;
}

static bool read_request(struct wire *wire, struct slice in) {
    struct field field;
    if (length(in) > INT32_MAX) return false;
    while (in.at < in.end) {
        if (!next(&in, &field)) return false;
        if (field.tag == TAG(1, BYTES) && !read_resource_spans(wire, field.bytes)) return false;
    }
    return true;
}

/* --- for fast.py --- */

#define EXPORT __attribute__((visibility("default")))

#define LAYOUT_TEXT(NAME) " " #NAME " " #NAME "_ends"
#define LAYOUT_ENDS(NAME) " " #NAME
#define LAYOUT_NUMBER(NAME) " " #NAME

EXPORT const char *wire_layout(void);
EXPORT struct wire *wire_decode(const uint8_t *const *requests, const size_t *sizes, size_t count, uint64_t max_shared);
EXPORT bool wire_check(const uint8_t *const *requests, const size_t *sizes, size_t count, uint64_t max_shared, struct result *results);
EXPORT const struct buffer *wire_columns(const struct wire *wire);
EXPORT void wire_free(struct wire *wire);

/* The version of these functions and the names of all columns, in order, separated by spaces. */
const char *wire_layout(void) {
    return VERSION COLUMNS(LAYOUT_TEXT, LAYOUT_ENDS, LAYOUT_NUMBER);
}

/* The COLUMN_COUNT columns, until wire_free. */
const struct buffer *wire_columns(const struct wire *wire) {
    return wire->columns;
}

void wire_free(struct wire *wire) {
    if (!wire) return;
    for (size_t i = 0; i < COLUMN_COUNT; i++) free(wire->columns[i].data);
    free(wire->attributes);
    free(wire->slots);
    free(wire->names);
    free(wire->name_slots);
    free(wire);
}

/* A wire without rows; null without memory for it. */
static struct wire *start(bool checking) {
    struct wire *wire = calloc(1, sizeof *wire);
    if (!wire) return NULL;
    wire->checking = checking;
    for (size_t i = 0; i < COLUMN_COUNT && !checking; i++) {
        wire->columns[i].capacity = 64;
        wire->columns[i].data = malloc(wire->columns[i].capacity);
        if (!wire->columns[i].data) wire->failed = true;
    }
    wire->attribute_capacity = 16;
    wire->slot_count = 64;
    wire->attributes = malloc(wire->attribute_capacity * sizeof *wire->attributes);
    wire->slots = calloc(wire->slot_count, sizeof *wire->slots);
    wire->name_capacity = 64;
    wire->names = malloc(wire->name_capacity * sizeof *wire->names);
    wire->name_slots = calloc(wire->name_capacity * 2, sizeof *wire->name_slots);
    wire->last_name = NO_NAME;
    if (wire->failed || !wire->attributes || !wire->slots || !wire->names || !wire->name_slots) {
        wire_free(wire);
        return NULL;
    }
#define START_TEXT(NAME) put32(wire, NAME##_ends, 0);
#define START_ENDS(NAME) put32(wire, NAME, 0);
#define START_NUMBER(NAME)
    COLUMNS(START_TEXT, START_ENDS, START_NUMBER)
    return wire;
}

/* Reads the request of a number; its result is all 0, and it leaves no rows, where it is deferred. */
static void read(struct wire *wire, size_t number, const uint8_t *request, size_t size, uint64_t max_shared) {
    size_t before[COLUMN_COUNT];
    mark(wire, before);
    wire->request = (uint32_t)number;
    wire->start = request;
    wire->result = (struct result){0};
    if (read_request(wire, (struct slice){request, request + size}) && wire->result.shared <= max_shared) {
        wire->result.understood = 1;
    } else {
        roll_back(wire, before);
        wire->result = (struct result){0};
    }
}

/* Writes the names, and the attributes of spans by name, in the order of their rows; neither where names are closed. */
static bool put_names(struct wire *wire) {
    size_t count = wire->name_count, attributes = wire->columns[span_attribute_name].size / sizeof(uint32_t);
    if (wire->names_closed) return true;
    for (size_t i = 0; i < count; i++)
        if (!put_text(wire, name, wire->names[i].key)) return false;
    if (!reserve(wire, named_ends, count * sizeof(uint32_t)) || !reserve(wire, named_place, attributes * sizeof(uint32_t)) ||
        !reserve(wire, named_row, attributes * sizeof(uint32_t)))
        return false;
    const uint32_t *of_attribute = (const uint32_t *)wire->columns[span_attribute_name].data;
    const uint32_t *ends = (const uint32_t *)wire->columns[span_attributes].data;
    uint32_t *next = (uint32_t *)wire->columns[named_ends].data; /* where a name's next one goes; in the end, its end */
    uint32_t *places = (uint32_t *)wire->columns[named_place].data, *of_row = (uint32_t *)wire->columns[named_row].data;
    memset(next, 0, (count + 1) * sizeof *next);
    for (size_t i = 0; i < attributes; i++) next[of_attribute[i] + 1]++;
    for (size_t i = 1; i <= count; i++) next[i] += next[i - 1];
    memmove(next + 1, next, count * sizeof *next);
    for (uint32_t row = 0, place = 0; place < attributes; row++)
        for (; place < ends[row + 1]; place++) {
            uint32_t at = next[of_attribute[place] + 1]++;
            places[at] = place;
            of_row[at] = row;
        }
    wire->columns[named_ends].size += count * sizeof(uint32_t);
    wire->columns[named_place].size = wire->columns[named_row].size = attributes * sizeof(uint32_t);
    return true;
}

/* Decodes requests into columns, one struct result each; those that may repeat more than `max_shared` bytes of
 * resources and scopes are deferred. Null if memory or 32-bit offsets do not suffice for all. */
struct wire *wire_decode(const uint8_t *const *requests, const size_t *sizes, size_t count, uint64_t max_shared) {
    struct wire *wire = count > INT32_MAX ? NULL : start(false);
    for (size_t i = 0; wire && i < count && !wire->failed; i++) {
        read(wire, i, requests[i], sizes[i], max_shared);
        append(wire, result, &wire->result, sizeof wire->result);
    }
    if (!wire || (!wire->failed && put_names(wire))) return wire;
    wire_free(wire);
    return NULL;
}

/* Writes the results that wire_decode would have, and no columns. It may understand what wire_decode leaves to the
 * reference decoder for the hashes of its keys, which changes no result. False without memory. */
bool wire_check(const uint8_t *const *requests, const size_t *sizes, size_t count, uint64_t max_shared, struct result *results) {
    struct wire *wire = count > INT32_MAX ? NULL : start(true);
    for (size_t i = 0; wire && i < count && !wire->failed; i++) {
        read(wire, i, requests[i], sizes[i], max_shared);
        results[i] = wire->result;
    }
    bool done = wire && !wire->failed;
    wire_free(wire);
    return done;
}
