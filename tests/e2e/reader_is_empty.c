/* reader_is_empty NAME: waits until the PC/SC service has seen the reader's last card go. opensc-tool cannot tell: for it a reader is empty
 * while the service still resets a card that was pulled out, and does not see the one that is put in then. */
#include <stdio.h>

#include "card_service.h"

int main(int argc, char **argv)
{
    struct card_service service = {.reader_count = 1};
    if (argc != 2) return 2;
    snprintf(service.readers[0], sizeof(service.readers[0]), "%s", argv[1]);
    return card_service_await_empty(&service, 0) ? 0 : 1;
}
