;; Pointers that the host must not follow.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "length" (func $length (param i32 i32) (result i32)))
  (import "tenterhook" "lookup" (func $lookup (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "tenterhook" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 96) "words")
  (data (i32.const 104) "sdrow")
  (data (i32.const 112) "data/attack")
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "/data/attack")
  (data (i32.const 32) "{\"debugContext\":{\"memory\":0,\"global\":0}}")
  (func (export "tenterhook_abi_v1"))

  ;; which attack the event asks for: two digits, 0 for none
  (func $case (result i32)
    (if (result i32) (i32.eq (call $get_text (i32.const 16) (i32.const 12) (i32.const 80) (i32.const 2)) (i32.const 2))
      (then (i32.add
        (i32.mul (i32.sub (i32.load8_u (i32.const 80)) (i32.const 48)) (i32.const 10))
        (i32.sub (i32.load8_u (i32.const 81)) (i32.const 48))))
      (else (i32.const 0))))

  ;; how often it was called, as far as its memory and its global know
  (func $count (result i64)
    (i32.store8 (i32.const 58) (i32.add (i32.load8_u (i32.const 58)) (i32.const 1)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 69) (i32.add (global.get $calls) (i32.const 48)))
    (i64.const 0x20_0000_0028))

  (func $attack (param $case i32)
    ;; 01: a JSON Pointer past the end
    (if (i32.eq (local.get $case) (i32.const 1))
      (then
        (drop (call $get (i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 0)))))
    ;; 02: one that ends past the end
    (if (i32.eq (local.get $case) (i32.const 2))
      (then
        (drop (call $get_text (i32.const 65530) (i32.const 7) (i32.const 0) (i32.const 0)))))
    ;; 03: one that goes round
    (if (i32.eq (local.get $case) (i32.const 3))
      (then
        (drop (call $length (i32.const -16) (i32.const 32)))))
    ;; 04: one of 4 GiB
    (if (i32.eq (local.get $case) (i32.const 4))
      (then
        (drop (call $length (i32.const 0) (i32.const -1)))))
    ;; 05: a buffer past the end
    (if (i32.eq (local.get $case) (i32.const 5))
      (then
        (drop (call $get (i32.const 16) (i32.const 12) (i32.const 65536) (i32.const 64)))))
    ;; 06: a buffer in which the value ends past the end
    (if (i32.eq (local.get $case) (i32.const 6))
      (then
        (drop (call $get (i32.const 16) (i32.const 12) (i32.const 65534) (i32.const 64)))))
    ;; 07: a buffer that goes round
    (if (i32.eq (local.get $case) (i32.const 7))
      (then
        (drop (call $get (i32.const 16) (i32.const 12) (i32.const -2) (i32.const 64)))))
    ;; 08: a line of the log past the end
    (if (i32.eq (local.get $case) (i32.const 8))
      (then
        (call $log (i32.const 65535) (i32.const 2))))
    ;; 09: a line of 4 GiB
    (if (i32.eq (local.get $case) (i32.const 9))
      (then
        (call $log (i32.const 1) (i32.const -1))))
    ;; 10: a table's name past the end
    (if (i32.eq (local.get $case) (i32.const 10))
      (then
        (drop (call $lookup (i32.const 65535) (i32.const 5) (i32.const 96) (i32.const 5) (i32.const 0) (i32.const 0)))))
    ;; 11: a key past the end
    (if (i32.eq (local.get $case) (i32.const 11))
      (then
        (drop (call $lookup (i32.const 96) (i32.const 5) (i32.const 65535) (i32.const 5) (i32.const 0) (i32.const 0)))))
    ;; 12: a value past the end
    (if (i32.eq (local.get $case) (i32.const 12))
      (then
        (drop (call $lookup (i32.const 96) (i32.const 5) (i32.const 96) (i32.const 5) (i32.const 65535) (i32.const 64)))))
    ;; 13: a table that the policy does not have
    (if (i32.eq (local.get $case) (i32.const 13))
      (then
        (drop (call $lookup (i32.const 104) (i32.const 5) (i32.const 96) (i32.const 5) (i32.const 0) (i32.const 0)))))
    ;; 14: a JSON Pointer that does not begin with a slash
    (if (i32.eq (local.get $case) (i32.const 14))
      (then
        (drop (call $get (i32.const 112) (i32.const 11) (i32.const 0) (i32.const 0)))))
    ;; 15: the result over the JSON Pointer; that is allowed
    (if (i32.eq (local.get $case) (i32.const 15))
      (then
        (drop (call $get (i32.const 16) (i32.const 12) (i32.const 16) (i32.const 12)))))
    ;; 16: all of memory for a buffer; that is allowed
    (if (i32.eq (local.get $case) (i32.const 16))
      (then
        (drop (call $get_text (i32.const 16) (i32.const 12) (i32.const 1024) (i32.const -1)))))
    ;; 17: no room past the end; that is allowed
    (if (i32.eq (local.get $case) (i32.const 17))
      (then
        (drop (call $get (i32.const 16) (i32.const 12) (i32.const -1) (i32.const 0)))))
    ;; 18: a JSON Pointer longer than any
    (if (i32.eq (local.get $case) (i32.const 18))
      (then
        (drop (memory.grow (i32.const 31)))
        (memory.fill (i32.const 65536) (i32.const 47) (i32.const 1048577))
        (drop (call $get (i32.const 65536) (i32.const 65537) (i32.const 0) (i32.const 0)))))
    ;; 19: a key longer than any
    (if (i32.eq (local.get $case) (i32.const 19))
      (then
        (drop (memory.grow (i32.const 31)))
        (drop (call $lookup (i32.const 96) (i32.const 5) (i32.const 65536) (i32.const 1048577) (i32.const 0) (i32.const 0)))))
    ;; 20: a table's name longer than any
    (if (i32.eq (local.get $case) (i32.const 20))
      (then
        (drop (memory.grow (i32.const 31)))
        (drop (call $lookup (i32.const 65536) (i32.const 65537) (i32.const 96) (i32.const 5) (i32.const 0) (i32.const 0)))))
    ;; 21: a key of 1 MiB; that is allowed
    (if (i32.eq (local.get $case) (i32.const 21))
      (then
        (drop (memory.grow (i32.const 31)))
        (drop (call $lookup (i32.const 96) (i32.const 5) (i32.const 65536) (i32.const 1048576) (i32.const 0) (i32.const 0)))))
  )

  (func (export "decide") (result i64)
    (call $attack (call $case))
    (call $count)))
