package dev.sennit.examples.services;

import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceSettings;
import dev.sennit.service.SlotStatus;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** From two workers to five, all of them replaced in between, then one is left. None of them has died. */
public final class ReloadAndScale {
    private ReloadAndScale() {}

    private static void print(String when, List<SlotStatus> workers) {
        System.out.println(when + ": " + workers.size());
        for (SlotStatus one : workers) {
            System.out.println("  " + one.service() + "(" + one.id() + ") pid " + one.pid() + ", generation "
                    + one.generation() + ", restarts " + one.restarts());
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (ServiceManager manager = ServiceManager.create("clerks")) {
            manager.add(ServiceSettings.of("clerk", me -> me.awaitStop()).heap("32m").workers(2).build());
            manager.start();
            manager.whenUp().get(1, TimeUnit.MINUTES);
            print("at the start", manager.status());

            manager.scale("clerk", 5).get(1, TimeUnit.MINUTES);
            print("more", manager.status());

            manager.reload("clerk").get(1, TimeUnit.MINUTES); // a new one is ready before an old one stops
            List<SlotStatus> reloaded = manager.status();
            print("reloaded", reloaded);

            manager.scale("clerk", 1).get(1, TimeUnit.MINUTES);
            List<SlotStatus> left = manager.status();
            print("less", left);
            boolean isSame = left.size() == 1 && left.getFirst().pid() == reloaded.getFirst().pid();
            System.out.println("left is clerk(" + left.getFirst().id() + "), the same process: " + isSame);
            long restarts = reloaded.stream().mapToLong(SlotStatus::restarts).sum() + left.getFirst().restarts();
            System.out.println("restarts: " + restarts);
        }
    }
}
