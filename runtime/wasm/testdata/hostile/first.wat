;; Caches the e-mail address of the first event, and answers with it from then on. If the sample call left its address in the
;; frozen state, the sample would decide every call.
(module
  (import "tenterhook" "get_text" (func $get_text (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "/data/userProfile/email") ;; 23 bytes
  (data (i32.const 64) "{\22debugContext\22:{\22first\22:\22") ;; 26 bytes, and then the address at 90
  (data (i32.const 32) "\22}}") ;; 3 bytes
  (global $len (mut i32) (i32.const -1)) ;; of the cached address; -1: none yet

  (func (export "tenterhook_abi_v1"))

  (func (export "decide") (result i64)
    (if (i32.lt_s (global.get $len) (i32.const 0))
      (then
        (global.set $len (call $get_text (i32.const 0) (i32.const 23) (i32.const 90) (i32.const 512)))
        (if (i32.lt_s (global.get $len) (i32.const 0)) (then (unreachable)))
        (memory.copy (i32.add (i32.const 90) (global.get $len)) (i32.const 32) (i32.const 3))))
    (i64.or
      (i64.shl (i64.const 64) (i64.const 32))
      (i64.extend_i32_u (i32.add (global.get $len) (i32.const 29)))))
)
