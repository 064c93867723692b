package dev.sennit.examples.synchronizers;

import dev.sennit.Event;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskScope;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A deposit and a withdrawal on one account. Without a lock an unlucky schedule loses the deposit: events force that
 * schedule here, step by step, so that it happens every time. With a lock the deposit comes at the same moment, waits,
 * and is not lost.
 */
public final class BankAccount {
    private BankAccount() {}

    private static class Account {
        private int balance = 100;

        void deposit(int amount, Hook between) throws InterruptedException {
            change("deposit", amount, between);
        }

        void withdraw(int amount, Hook between) throws InterruptedException {
            change("withdrawal", -amount, between);
        }

        /** Read, compute, write; in the hook another thread gets its turn. */
        private void change(String what, int amount, Hook between) throws InterruptedException {
            int read = balance;
            System.out.println(what + " reads " + read);
            if (read + amount < 0) {
                throw new IllegalArgumentException("only " + read + " left, wanted " + -amount);
            }
            between.run();
            balance = read + amount;
            System.out.println(what + " writes " + balance);
        }
    }

    private static final class LockedAccount extends Account {
        private final ReentrantLock lock = new ReentrantLock();

        @Override
        void deposit(int amount, Hook between) throws InterruptedException {
            lock.lock();
            try {
                super.deposit(amount, between);
            } finally {
                lock.unlock();
            }
        }

        @Override
        void withdraw(int amount, Hook between) throws InterruptedException {
            lock.lock();
            try {
                super.withdraw(amount, between);
            } finally {
                lock.unlock();
            }
        }
    }

    private interface Hook {
        void run() throws InterruptedException;
    }

    /** The deposit begins when the withdrawal has read; the withdrawal goes on after the hook. */
    private static void both(Pool pool, Account account, Event hasRead, Event hasDeposited, Hook between)
            throws Exception {
        try (var scope = TaskScope.open(pool)) {
            scope.fork(() -> {
                account.withdraw(30, () -> {
                    hasRead.set();
                    between.run();
                });
                return null;
            });
            scope.fork(() -> {
                hasRead.await();
                account.deposit(50, () -> {});
                hasDeposited.set();
                return null;
            });
            scope.join();
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Pool pool = Pools.open("threads:2")) {
            var unsafe = new Account();
            var hasDeposited = new Event();
            both(pool, unsafe, new Event(), hasDeposited, hasDeposited::await);
            System.out.println("without a lock: " + unsafe.balance + ", should be 120");

            var safe = new LockedAccount();
            both(pool, safe, new Event(), new Event(), () -> {
                while (!safe.lock.hasQueuedThreads()) { // until the deposit has come, and waits
                    Thread.onSpinWait();
                }
            });
            System.out.println("with a lock: " + ((Account) safe).balance);
        }
    }
}
