package dev.sennit.examples;

import dev.sennit.Event;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskScope;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Two deposits into one account. Without a lock, an unlucky schedule loses one of them: events force that schedule here, step
 * by step, so that it happens every time. With the lock the same two deposits are both there.
 */
public final class BankAccount {
    private BankAccount() {}

    private static final class Account {
        private final ReentrantLock lock = new ReentrantLock();
        private int balance = 100;

        /** Read, add, write; the hook in the middle is where another thread gets its turn. */
        void depositUnsafely(int amount, String who, Hook between) throws InterruptedException {
            int read = balance;
            System.out.println(who + " reads " + read);
            between.run();
            balance = read + amount;
            System.out.println(who + " writes " + balance);
        }

        void deposit(int amount, String who, Hook between) throws InterruptedException {
            lock.lock();
            try {
                depositUnsafely(amount, who, between);
            } finally {
                lock.unlock();
            }
        }
    }

    private interface Hook {
        void run() throws InterruptedException;
    }

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:2")) {
            var account = new Account();
            var annHasRead = new Event();
            var bobHasWritten = new Event();
            try (var scope = TaskScope.open(pool)) {
                scope.fork(() -> {
                    account.depositUnsafely(50, "Ann", () -> {
                        annHasRead.set();
                        bobHasWritten.await();
                    });
                    return null;
                });
                scope.fork(() -> {
                    annHasRead.await();
                    account.depositUnsafely(30, "Bob", () -> {});
                    bobHasWritten.set();
                    return null;
                });
                scope.join();
            }
            System.out.println("without a lock: " + account.balance + ", should be 180");

            var safe = new Account();
            try (var scope = TaskScope.open(pool)) {
                for (int amount : new int[] {50, 30}) {
                    scope.fork(() -> {
                        safe.deposit(amount, "someone", Thread::yield);
                        return null;
                    });
                }
                scope.join();
            }
            System.out.println("with a lock: " + safe.balance);
        }
    }
}
