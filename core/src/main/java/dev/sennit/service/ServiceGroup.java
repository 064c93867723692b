package dev.sennit.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The slots of one service, and the state that they have to reach. Guarded by the manager's lock. */
final class ServiceGroup {
    /** A slot, its thread, and the number of requested restarts. */
    static final class Place {
        final Slot slot;
        final SlotThread thread;
        boolean hasThread;
        long restarts;
        /**
         * Whether the slot may replace its process, or may still believe so, as it has not followed the last order yet.
         */
        private boolean hasTurn;

        Place(Slot slot, SlotThread thread) {
            this.slot = slot;
            this.thread = thread;
        }

        boolean hasTurn() {
            return hasTurn;
        }

        void takeTurn() {
            hasTurn = true;
        }

        /** Whether the slot has a use for its turn. */
        boolean mayReplace() {
            return hasTurn && (slot.isReplacing() || slot.wantsToReplace());
        }

        /** Gives the turn back once the slot has followed an order by which it may not replace. */
        void giveBackTurn() {
            Order last = slot.order();
            if (hasTurn && !last.mayReplace() && slot.hasTaken(last) && !slot.isReplacing()) {
                hasTurn = slot.wantsToReplace();
            }
        }
    }

    final String name;
    /** Slots by their number. */
    final Map<Integer, Place> places = new TreeMap<>();
    /** The generation of new processes. */
    Generation generation;
    /** The generation to return to if the current one is given up; null for none. */
    @Nullable Generation former;
    /** The next generation, which starts when it is this service's turn; null for none. */
    @Nullable Generation pending;
    /** The number of the newest generation. */
    long newest;
    int wanted;
    long reloads;
    /** Whether its slots may start processes: the services before it have been ready. */
    boolean mayStart;
    boolean isRemoved;
    /** Whether all workers are stopped, as too many died. */
    boolean isEscalated;
    /** Whether the service has stopped with the manager: its workers never start again. */
    boolean hasStopped;
    /** Generations that are not used any more, once every slot has followed an order without them. */
    final List<Generation> leaving = new ArrayList<>();
    /**
     * The number of workers to return to if the generation on trial is given up; negative if the number does not
     * change.
     */
    private int beforeTrial = -1;
    /**
     * The number of workers to return to if the pending generation is dropped; negative if the number does not change.
     */
    private int beforePending = -1;
    /** The number of the newest generation that was pending. */
    long newestSet;
    /** The numbers of the reloads that made the pending generation, and the current generation. */
    long pendingReload;
    long reload;
    /** The number of the last reload that was given up, and the reason. */
    long givenUpReload;
    String givenUp = "";

    ServiceGroup(ServiceSettings settings, Generation generation) {
        this.name = settings.name();
        this.generation = generation;
        wanted = settings.workers();
        newest = generation.number();
    }

    ServiceSettings settings() {
        return generation.settings();
    }

    /** Returns the newest settings, which may still be pending. */
    ServiceSettings newestSettings() {
        Generation next = pending;
        return next != null ? next.settings() : generation.settings();
    }

    /** Returns whether all wanted workers are ready, or have done their work. */
    boolean isUp() {
        int up = 0;
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            if (place.slot.id() < wanted
                    && place.slot.hasTaken(generation)
                    && (place.slot.isDone()
                            || status.state() == SlotState.READY && settings().kind() != ServiceKind.ONCE)) {
                up++;
            }
        }
        return up >= wanted;
    }

    /** Returns whether the workers above the wanted number have ended. */
    boolean hasOnlyWanted() {
        return places.size() <= wanted;
    }

    /** Returns whether every worker is down for good: each has done its work, or has failed. */
    boolean isOver() {
        if (wanted == 0 || places.size() < wanted) { // a service that was scaled to none waits to be scaled up
            return false;
        }
        for (Place place : places.values()) {
            if (!place.slot.isDone() && place.slot.status().state() != SlotState.FAILED) {
                return false;
            }
        }
        return true;
    }

    /** Returns why the wanted workers will not become ready without intervention; null if they may. */
    @Nullable String obstacle() {
        if (isRemoved) {
            return "service " + name + " was removed";
        }
        if (pending != null) {
            return null;
        }
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            if (place.slot.hasTaken(place.slot.order()) && status.state() == SlotState.FAILED) {
                return "worker " + place.slot.id() + " of service " + name + " stays down: " + status.why();
            }
        }
        return null;
    }

    // ---- the number of workers: a dropped generation takes its number with it ----

    /** Sets the number that the pending generation asks for, at once. */
    void wantBy(int workers) {
        if (beforePending < 0) { // otherwise it is the number before an earlier pending generation
            beforePending = wanted;
        }
        wanted = workers;
    }

    /** Sets the number by request of a caller, which stays. */
    void scale(int workers) {
        wanted = workers;
        beforeTrial = -1;
        beforePending = -1;
    }

    /** Drops the number of the pending generation. */
    void takeBackPending() {
        if (beforePending >= 0) {
            wanted = beforePending;
            beforePending = -1;
        }
    }

    /** Puts the pending generation on trial. A generation that was on trial has not proved itself, and is skipped. */
    void tryPending() {
        if (beforeTrial < 0) {
            beforeTrial = beforePending;
        }
        beforePending = -1;
    }

    /** Gives up the generation on trial. The number of a pending generation stays, until that is given up too. */
    void takeBackTrial() {
        if (beforeTrial >= 0) {
            if (pending == null) {
                wanted = beforeTrial;
            } else {
                beforePending = beforeTrial;
            }
            beforeTrial = -1;
        }
    }

    /** Keeps the generation on trial, which has proved itself. */
    void keepTrial() {
        beforeTrial = -1;
    }

    /** Returns the status, with the services that this service waits for before its first start. */
    ServiceStatus status(List<String> waitsFor) {
        int ready = 0;
        for (Place place : places.values()) {
            ready += place.slot.status().state() == SlotState.READY ? 1 : 0;
        }
        String obstacle = obstacle();
        boolean isDown = isRemoved || isEscalated;
        return new ServiceStatus(
                name,
                isDown ? 0 : wanted,
                ready,
                generation.number(),
                isRolling(),
                isUp() && !isDown,
                isEscalated
                        ? "is stopped, as too many workers died"
                        : obstacle != null
                                ? obstacle
                                : waitsFor.isEmpty() ? "" : "waits for " + String.join(", ", waitsFor));
    }

    /** Returns whether every slot has followed its last order. */
    boolean hasTakenOrders() {
        return places.values().stream().allMatch(place -> place.slot.hasTaken(place.slot.order()));
    }

    /** Returns whether a process runs, or may be about to be started. */
    boolean hasProcess() {
        for (Place place : places.values()) {
            if (place.slot.hasProcess() || !place.slot.hasTaken(place.slot.order())) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether a reload is under way. */
    boolean isRolling() {
        if (pending != null) {
            return true;
        }
        for (Place place : places.values()) {
            SlotStatus status = place.slot.status();
            boolean isOther = status.generation() != 0 && status.generation() != generation.number();
            if (place.slot.id() < wanted && (isOther || place.slot.isReplacing())) {
                return true;
            }
        }
        return false;
    }
}
