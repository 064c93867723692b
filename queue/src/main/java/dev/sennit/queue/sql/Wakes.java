package dev.sennit.queue.sql;

import java.util.HashSet;
import java.util.Set;

/** Whom a transaction concerns: those are told once it is committed. For the thread of the transaction. */
public final class Wakes {
    private final Set<String> queues = new HashSet<>();
    private final Set<String> addresses = new HashSet<>();
    private final Set<String> workers = new HashSet<>();
    private boolean allQueues;
    private boolean allWorkers;

    /** Makes one that concerns nobody. */
    public Wakes() {}

    void work(String queue) {
        queues.add(queue);
    }

    void allWork() {
        allQueues = true;
    }

    void ended(String address) {
        addresses.add(address);
    }

    void worker(String id) {
        workers.add(id);
    }

    void allWorkers() {
        allWorkers = true;
    }

    /**
     * Adds those of another transaction.
     *
     * @param other whom it concerns
     */
    public void add(Wakes other) {
        queues.addAll(other.queues);
        addresses.addAll(other.addresses);
        workers.addAll(other.workers);
        allQueues |= other.allQueues;
        allWorkers |= other.allWorkers;
    }

    /**
     * Returns whether nobody is concerned.
     *
     * @return whether there is nobody to tell
     */
    public boolean isEmpty() {
        return queues.isEmpty() && addresses.isEmpty() && workers.isEmpty() && !allQueues && !allWorkers;
    }

    /**
     * Returns whether there may be work in one of some queues.
     *
     * @param some the queues
     * @return whether their workers are to look
     */
    public boolean hasWork(Set<String> some) {
        return !some.isEmpty() && (allQueues || some.stream().anyMatch(queues::contains));
    }

    /**
     * Returns whether a task has ended whose end an address is told.
     *
     * @param address the address
     * @return whether there is one
     */
    public boolean hasEnds(String address) {
        return addresses.contains(address);
    }

    /**
     * Returns whether a task of a worker is to stop, or somebody asks something of it.
     *
     * @param id the worker
     * @return whether it is to look
     */
    public boolean concerns(String id) {
        return allWorkers || workers.contains(id);
    }

    /**
     * Returns the queues that may have work.
     *
     * @return the queues
     */
    public Set<String> queues() {
        return queues;
    }

    /**
     * Returns the addresses of those who are told of ends.
     *
     * @return the addresses
     */
    public Set<String> addresses() {
        return addresses;
    }

    /**
     * Returns the workers that have tasks to stop, or of which somebody asks something.
     *
     * @return their ids
     */
    public Set<String> workers() {
        return workers;
    }

    /**
     * Returns whether all queues may have work.
     *
     * @return whether a limit or a pause is over
     */
    public boolean concernsAllQueues() {
        return allQueues;
    }

    /**
     * Returns whether somebody asks something of all workers.
     *
     * @return whether there is such a request
     */
    public boolean concernsAllWorkers() {
        return allWorkers;
    }
}
