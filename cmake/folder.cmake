# One target per folder, and a folder sees only the folders that it names.
#
# Every include is written from the root ("base/err.h"). The root itself is on nobody's include
# path: each folder gets a directory of its own in the build tree that holds one link to it, and
# only targets that link the folder get that directory. A forbidden include does not compile.

# cardprep_folder(NAME DEPENDS base formats … LIBRARIES PkgConfig::X …) makes the static library
# cardprep_NAME of the .c files of the folder and of its subfolders; a program's main_*.c is left to cardprep_program.
# LIBRARIES are private to the folder.
function(cardprep_folder name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
    set(view ${CMAKE_BINARY_DIR}/include/${name})
    file(MAKE_DIRECTORY ${view})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
    list(TRANSFORM ARG_DEPENDS PREPEND cardprep_)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/*/*.c)
    list(FILTER sources EXCLUDE REGEX "/main_[a-z]+\\.c$")
    if(NOT sources)
        add_library(cardprep_${name} INTERFACE)
        target_include_directories(cardprep_${name} INTERFACE ${view})
        target_link_libraries(cardprep_${name} INTERFACE ${ARG_DEPENDS})
        return()
    endif()
    add_library(cardprep_${name} STATIC ${sources})
    target_include_directories(cardprep_${name} PUBLIC ${view})
    target_link_libraries(cardprep_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_LIBRARIES})
endfunction()

# cardprep_program(NAME FOLDER folder MAIN main.c) makes and installs the program NAME.
function(cardprep_program name)
    cmake_parse_arguments(ARG "" "FOLDER;MAIN" "" ${ARGN})
    add_executable(${name} ${ARG_MAIN})
    target_link_libraries(${name} PRIVATE cardprep_${ARG_FOLDER})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
