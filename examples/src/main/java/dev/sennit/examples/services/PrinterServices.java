package dev.sennit.examples.services;

import dev.sennit.service.ServiceEvent;
import dev.sennit.service.ServiceListener;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.SlotStatus;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Two services that print pages. A worker that is killed comes back under its number; all end in good order. What the
 * workers print comes out with the time, the service and the number.
 */
public final class PrinterServices {
    private PrinterServices() {}

    private static SlotStatus worker(ServiceManager manager, String service, int id) {
        return manager.status().stream()
                .filter(one -> one.service().equals(service) && one.id() == id)
                .findFirst()
                .orElseThrow();
    }

    public static void main(String[] arguments) throws Exception {
        int exitCode;
        try (ServiceManager manager = ServiceManager.create("printers")) {
            manager.add(ServiceSettings.of("colour", new Printer()).heap("32m").build());
            manager.add(ServiceSettings.of("grey", new Printer()).heap("32m").workers(2).after("colour").build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);

            long killed = worker(manager, "grey", 1).pid();
            var isBack = new CompletableFuture<Void>();
            manager.addListener(new ServiceListener() {
                @Override
                public void event(ServiceEvent event) {
                    if (event.service().equals("grey") && event.kind() == ServiceEvent.Kind.READY
                            && event.pid() != killed) {
                        isBack.complete(null);
                    }
                }
            });
            ProcessHandle.of(killed).orElseThrow().destroyForcibly();
            isBack.get(1, TimeUnit.MINUTES);

            SlotStatus back = worker(manager, "grey", 1);
            System.out.println(
                    "grey(1) was killed and is back: another process " + (back.pid() != killed) + ", restarts "
                            + back.restarts());
            System.out.println("grey(0) has not noticed, restarts " + worker(manager, "grey", 0).restarts());
            exitCode = manager.shutdown().get(1, TimeUnit.MINUTES);
        }
        System.out.println("all have ended, exit code " + exitCode);
    }
}
