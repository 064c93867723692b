package dev.sennit.examples.services;

import dev.sennit.service.Service;
import dev.sennit.service.ServiceWorker;
import java.io.Serial;
import java.time.Duration;

/** Prints a page four times a second, until it shall stop. */
public final class Printer implements Service {
    @Serial
    private static final long serialVersionUID = 1;

    private static final Duration A_PAGE = Duration.ofMillis(250);

    @Override
    public void run(ServiceWorker me) throws InterruptedException {
        int page = 0;
        do {
            page++;
            System.out.println(me.name() + " " + me.id() + " prints page " + page);
        } while (!me.awaitStop(A_PAGE));
        System.out.println(me.name() + " " + me.id() + " ends after page " + page);
    }
}
