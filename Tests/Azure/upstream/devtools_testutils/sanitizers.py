def nothing(*arguments, **options): pass


add_body_key_sanitizer = add_header_regex_sanitizer = add_oauth_response_sanitizer = nothing
add_remove_header_sanitizer = remove_batch_sanitizers = nothing
