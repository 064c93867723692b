package dev.sennit.examples.testing;

import dev.sennit.testing.Exploration;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.ScheduleFailure;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A deposit and a withdrawal, of which one is lost under some schedules: the explorer finds such a one, shows what each
 * thread did, and has it again by its seed. With a lock it finds nothing.
 *
 * <p>Wants {@code --add-opens java.base/java.lang=ALL-UNNAMED}.
 */
public final class ExploredBankAccount {
    private ExploredBankAccount() {}

    private static class Account {
        int balance = 100;

        void add(int amount) {
            int read = balance;
            Thread.yield(); // stands for anything that waits; with the agent (MemoryPoints) nothing has to
            balance = read + amount;
        }
    }

    private static final class LockedAccount extends Account {
        private final ReentrantLock lock = new ReentrantLock();

        @Override
        void add(int amount) {
            lock.lock();
            try {
                super.add(amount);
            } finally {
                lock.unlock();
            }
        }
    }

    private static void use(Account account) throws InterruptedException {
        Thread deposit = Thread.ofVirtual().name("deposit").start(() -> account.add(50));
        Thread withdrawal = Thread.ofVirtual().name("withdrawal").start(() -> account.add(-50));
        deposit.join();
        withdrawal.join();
        if (account.balance != 100) {
            throw new AssertionError("balance " + account.balance + ", should be 100");
        }
    }

    public static void main(String[] arguments) {
        ScheduleExplorer explorer = ScheduleExplorer.of(10_000);
        try {
            explorer.explore(() -> use(new Account()));
        } catch (ScheduleFailure failure) {
            System.out.println(failure.getMessage());
            try {
                explorer.replay(failure.seed(), () -> use(new Account()));
            } catch (ScheduleFailure again) {
                System.out.println("again the same: " + again.interleaving().equals(failure.interleaving()));
            }
        }
        Exploration seen = explorer.explore(() -> use(new LockedAccount()));
        System.out.println("with a lock: nothing found in " + seen.schedules() + " schedules");
    }
}
