;; Refuse a sign-up from a country that the policy's table `served` does not have. A whole module by hand: it reads one member
;; of the event through the host, asks one table, and answers with a text that is ready.
;;
;;     wat2wasm modules/src/country.wat -o modules/country.wasm
(module
  (import "tenterhook" "get_text" (func $get_text (param $pointer i32) (param $pointerLen i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "tenterhook" "lookup" (func $lookup
    (param $table i32) (param $tableLen i32) (param $key i32) (param $keyLen i32) (param $buf i32) (param $cap i32) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 16) "/data/userProfile/countryCode") ;; 29 bytes
  (data (i32.const 48) "served")
  (data (i32.const 64) "{\"commands\":[{\"type\":\"com.okta.action.update\",\"value\":{\"registration\":\"DENY\"}}],\"error\":{\"errorSummary\":\"We are not in your country yet.\"}}") ;; 139 bytes

  (func (export "tenterhook_abi_v1"))

  ;; what to answer is its place << 32 | its length; a length of 0 is no opinion
  (func (export "decide") (result i64)
    (local $len i32)
    (local.set $len (call $get_text (i32.const 16) (i32.const 29) (i32.const 8) (i32.const 2)))
    ;; -3: something that is no text. Not to understand is to fail, and the rule refuses
    (if (i32.eq (local.get $len) (i32.const -3)) (then (unreachable)))
    (if (i32.eq (local.get $len) (i32.const 2)) (then
      ;; both letters in upper case; what is no letter is in no table either way
      (i32.store16 (i32.const 8) (i32.and (i32.load16_u (i32.const 8)) (i32.const 0xdfdf)))
      (if (i32.ge_s (call $lookup (i32.const 48) (i32.const 6) (i32.const 8) (i32.const 2) (i32.const 0) (i32.const 0)) (i32.const 0))
        (then (return (i64.const 0))))))
    (i64.const 0x0000_0040_0000_008b)))
