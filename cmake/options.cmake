# What a build can switch on; CMakePresets.json holds the combinations in use.
option(CARDPREP_WERROR "Warnings are errors" ON)
option(CARDPREP_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(CARDPREP_HARDEN "LTO, PIE, RELRO, stack protector, FORTIFY_SOURCE, CET" OFF)
option(CARDPREP_COVERAGE "Instrument for coverage" OFF)
option(CARDPREP_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(CARDPREP_LONG_TESTS "Also run the long tests (fuzz smoke, large inputs)" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_definitions(_GNU_SOURCE CARDPREP_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
                    -Wformat=2 -Wundef -Wvla -Wcast-qual -Wwrite-strings -Wpointer-arith
                    $<$<BOOL:${CARDPREP_WERROR}>:-Werror>)

if(CARDPREP_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
if(CARDPREP_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
if(CARDPREP_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()
if(CARDPREP_HARDEN)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection
                        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    add_link_options(-Wl,-z,relro,-z,now -Wl,-z,noexecstack)
    include(CheckPIESupported)
    check_pie_supported()
endif()
