"""Sentences that stages keep or refuse with, in English: told.py finds them by their pattern."""


def N_(sentence: str) -> str:
    """Mark a sentence for the catalogue without translating it here."""
    return sentence


SENTENCES = (
    # the gate; what is around another sentence comes first
    N_("%(found)s; %(who)s promoted it"),
    N_("%(found)s; %(who)s refused it"),
    N_("the first version needs no opponent"),
    N_("too little gate gold (%(count)s of %(least)s documents): a curator decides"),
    N_(
        "too little gate gold (%(count)s of %(least)s documents): promoted, as the project's "
        "setting says"
    ),
    N_("%(found)s: it may be worse by more than %(margin)s"),
    N_("%(found)s, but classes fall by more than %(margin)s: %(labels)s"),
    N_("%(found)s, at least %(lowest)s on the labels that both know"),
    N_("F1 %(new)s against %(old)s on %(count)s documents, difference %(low)s to %(high)s"),
    N_("judged against %(old)s, but %(new)s is served now: a curator decides"),
    # runs
    N_("the worker died: no sign of life for %(seconds)s s"),
    N_("the training worker could not begin: its log says why"),
    N_("training needs a label with %(least)s gold entities: none has as many"),
    N_("training needs %(least)s gold documents at least, there are %(count)s"),
    N_("training needs an entity: none of the %(count)s gold documents holds one"),
    N_("cancelled before it began"),
    N_("run %(number)s is active: the next begins when it has ended"),
    N_("run %(number)s is active: make your choices when it has ended"),
    N_("run %(number)s has begun"),
    N_("run %(number)s is %(state)s: there is nothing to run again"),
    N_("run %(number)s was run again already: %(again)s is there"),
    N_("run %(number)s has ended: %(state)s"),
    N_("run %(number)s is at the gate already"),
    N_("run %(number)s waits for no decision any more"),
    N_(
        "run %(number)s cannot be decided any more: a later run has been judged since, and this "
        "one was not judged against what came of it"
    ),
    N_("a run is active"),
    # publications
    N_("publication %(number)s is under way: wait until it has ended"),
    N_("%(name)s is served already"),
    N_("%(name)s is %(state)s: it was not served before"),
    N_("%(name)s was refused at the gate"),
    N_(
        "Label Studio kept the predictions of %(count)s tasks of %(total)s, after %(times)s "
        "attempts"
    ),
    N_("no label has the %(least)s gold entities it needs"),
    N_("something unforeseen went wrong (%(error)s): the log says where"),
    # what training refuses; a worker's sentences stand behind the kind of their error
    N_("there is no training option %(names)s; the options are %(known)s"),
    N_("the head %(head)s has one loss, its likelihood: not %(loss)s"),
    N_("label_smoothing and class_weights do not apply to %(head)s"),
    N_("label_smoothing means nothing to the dice loss: set it to 0"),
    N_("rotary positions need an even head_hidden"),
    N_("nested and negative_sampling are options of span heads"),
    N_("the built-in encoder reads characters: unit token needs another"),
    N_("folds must be 0, or 2 and more"),
    N_("folds are members that vote, too: members must be 1"),
    N_("%(file)s: no surface, tab and label on line %(lines)s"),
    N_("%(file)s: cannot be read as word vectors: %(reason)s"),
    N_("%(file)s: cannot be read: %(reason)s"),
    N_("there is no text to train on"),
    N_("no document to train on holds an entity"),
    N_(
        "without part %(number)s of %(folds)s no document to train on holds an entity: there is "
        "too little gold for folds"
    ),
    N_("version %(name)s is in the store, made from another snapshot or seed"),
    N_("the encoder %(name)s cannot be used: %(reason)s"),
    N_("there is no such folder"),
    N_("its files are damaged: %(reason)s"),
    N_("%(kind)s is an encoder with a decoder"),
    N_("%(kind)s does not read text"),
    # what workers predict
    N_("prediction %(state)s: %(reason)s"),
    N_("%(count)s documents were to be tagged, %(tagged)s were"),
    N_("a confidence must lie in [0, 1], not %(value)s"),
    N_("the worker made no scores: is it of an older release?"),
    N_("the worker that tagged the gold died"),
    # labels
    N_("somebody has changed the labels meanwhile: look again at what would change"),
    N_("nothing would change"),
    N_("%(label)s cannot be a label"),
    N_("%(label)s is %(other)s already: map that, or restore a mapping before it"),
    N_("%(label)s has that name"),
    N_("the configuration has %(label)s already"),
    N_("the configuration of %(name)s was changed meanwhile: try again"),
    N_("%(label)s cannot be added to this configuration: do it in Label Studio, it is followed"),
    N_("%(name)s was only adopted: add the label in Label Studio, or goldloop project connect"),
    N_("mapping %(number)s is what is in force"),
    N_(
        "%(number)s labels have fewer than %(least)s gold entities and are hardly learned: "
        "%(labels)s; a minimum support of %(minimum)s leaves them out of training until they have "
        "grown"
    ),
    # shared documents
    N_("no document waits for another annotator any more"),
    # copies
    N_("what is said of these copies has changed meanwhile: look again"),
    N_("nobody has decided about %(name)s"),
    N_("the exact copies of %(name)s agree"),
    N_("the near copies of %(name)s agree"),
    N_("there are %(count)s variants"),
    N_("no variant has more votes than the others: name one"),
    N_("[%(start)s, %(end)s) is not in the text"),
    N_("two entities overlap: %(one)s and %(other)s"),
    N_("label not in the project: %(label)s"),
    # things that are not there; what is begun alike comes first
    N_("there is no gold to release"),
    N_("there is no %(kind)s %(name)s"),
    # accounts
    N_("a password needs %(count)s characters or more"),
    N_("%(wanted)s annotators are more than %(there)s"),
    N_("there is an account of %(address)s already"),
    N_("%(address)s is not an e-mail address"),
    N_("%(who)s is a member already"),
    N_("nobody changes their own role: another administrator can"),
    # the autolabel queue
    N_("no version is served yet: train one first"),
    N_("no autolabel run of %(key)s is under way"),
    N_("autolabel run %(number)s is %(state)s already"),
    N_("document %(number)s was labelled by a person: change it there"),
    N_("document %(number)s has changed meanwhile: it is %(state)s, by %(who)s"),
    N_("document %(number)s cannot be %(done)s: it is %(state)s"),
    N_("document %(number)s is with people already"),
    N_(
        "people have rejected what is suggested for document %(number)s, or do so no more: "
        "look again"
    ),
    N_("document %(number)s may be drawn to judge models: only chance may choose it"),
    N_("no item is ticked"),
    N_("give a number from 1 to %(most)s"),
    N_("not a number: %(value)s"),
    N_("these are decided about one by one"),
    N_("items are named in a way that this page does not"),
    N_("say whether to pause, resume or cancel"),
    N_("Redis does not answer now: try again when it is back"),
    N_("cancelled on request"),
    N_("the workers of chunk %(number)s died %(times)s times"),
    # the promise
    N_(
        "no confidence from which on the version is right %(share)s of the time: "
        "better training is needed, not more certify gold"
    ),
    N_(
        "the %(tested)s certify documents that it is surest of came out right %(right)s times: "
        "too few for %(share)s"
    ),
    N_(
        "too little certify gold: %(documents)s documents; about %(needed)s more are needed "
        "to promise %(share)s"
    ),
    N_("the audit contradicted promise %(number)s of %(name)s"),
    N_(
        "of %(count)s documents that people labelled blind, %(right)s were exactly right: "
        "at most %(upper)s of what was accepted can be, and %(share)s was promised"
    ),
    # differences between champion and gold
    N_("the gold of document %(number)s has changed meanwhile"),
    N_("%(who)s has decided already: %(reason)s"),
    N_("the gold is right"),
    N_("the model is right"),
    N_("people look again"),
    N_("the task of document %(number)s is gone from Label Studio"),
    N_("looking for doubts needs %(least)s gold documents, there are %(count)s"),
    N_("what was read cannot be used: %(reason)s"),
    N_("gold is being looked through already"),
    N_("no gold is being looked through"),
    # replays, strategies, forecasts
    N_("a replay of %(key)s is under way"),
    N_("replay %(number)s has ended"),
    N_("replay %(number)s has not been stopped"),
    N_("%(folder)s holds another replay: only strategies, seeds, cost and more rounds may differ"),
    N_("a replay needs %(count)s annotated documents that differ, and these are %(there)s"),
    N_(
        "a replay needs %(gate)s documents of gate gold and %(dev)s of dev gold, and the project "
        "has %(its_gate)s and %(its_dev)s: they come of documents that are drawn at random, or of "
        "imported gold that is declared so"
    ),
    N_("no document holds an entity"),
    N_(
        "the pool has %(count)s documents: too few for %(first)s to start with and a batch of "
        "%(batch)s"
    ),
    N_("%(name)s must be at least %(least)s"),
    N_("cost must be one of %(names)s"),
    N_("%(name)s is no strategy: write a name, or names with weights as in mnlp:2+cost"),
    N_("%(name)s is no mixture: write strategies with their weights as in mnlp:2+cost"),
    N_("%(name)s stands twice in %(written)s"),
    N_("give one strategy at least"),
    N_("the weight of %(name)s must be above 0, not %(weight)s"),
    N_("a target is an F1 between 0 and 1"),
    N_("%(name)s must be a whole number from %(least)s to %(most)s"),
    N_("round %(number)s: the worker of its %(job)s died"),
    N_("round %(number)s, %(job)s: %(reason)s"),
    N_("decision %(number)s was taken back already"),
    N_("%(name)s was decided about anew since"),
    N_("%(name)s is with people already"),
    # jobs
    N_("the job has moved on meanwhile: it was not to be cancelled"),
    N_("the job has moved on meanwhile: it was not to be tried again"),
    N_("its worker died"),
    # releases
    N_("a release of %(key)s is being made"),
    N_("near copies are being looked for: try again when that is done"),
    N_("another release was made meanwhile: try again"),
    N_(
        "%(folder)s holds a release that this database does not list: move it away, or set "
        "GOLDLOOP_HOME to another folder"
    ),
    N_("the gold of document %(name)s cannot be released: %(reason)s"),
    N_("%(entity)s is recorded where the text has %(surface)s"),
    N_("since must be before until"),
    N_("the job has ended: %(state)s"),
    N_("no label %(label)s; there are %(labels)s"),
    N_("no release that can be read in %(folder)s: %(reason)s"),
    N_("no document in: %(splits)s"),
    N_("labels without any entity: %(labels)s"),
    N_("labels that %(split)s lacks: %(labels)s"),
    N_("labels that training leaves out for now: %(labels)s"),
    N_("%(label)s was not annotated in %(count)s documents: its absence there says nothing"),
    N_("%(count)s entities of %(label)s in the project's gold are not in the release"),
    N_("%(count)s documents of the project's gold are left out by the filters"),
    N_(
        "%(count)s groups of exact copies are labelled differently, and nobody has decided yet: "
        "see conflicts.jsonl"
    ),
    N_(
        "%(count)s groups of near copies are labelled differently, and nobody has decided yet: "
        "see conflicts.jsonl"
    ),
    N_("nothing is said of the texts' licence"),
    # what is wrong with a release, after where it is
    N_("%(place)s is not in the manifest"),
    N_("%(place)s was changed: it is not what its seal says"),
    N_("%(place)s does not say what card.json says"),
    N_("%(place)s is missing"),
    N_("%(place)s cannot be written: %(reason)s"),
    N_("%(place)s is not what the manifest says: SHA-256 %(hash)s"),
    N_("%(place)s is not the one that was written at the release"),
    N_("%(place)s the files give another digest than %(digest)s"),
    N_("%(place)s says the digest is %(digest)s; the files give %(given)s"),
    N_("%(place)s says %(name)s of %(split)s is %(stated)s; its file has %(number)s"),
    N_("%(place)s not in order, or there twice"),
    N_("%(place)s labels that are not in the label set: %(labels)s"),
    N_("%(place)s an entity does not state its text"),
    N_("%(place)s no provenance beside it"),
    N_("%(place)s the line or its provenance was changed: the checksum of both is another"),
    N_("%(place)s the provenance beside it is that of %(name)s"),
    N_("%(place)s nearly a copy of %(other)s: a group straddles %(split)s and %(its)s"),
    N_("%(place)s a copy of %(other)s: a group straddles %(split)s and %(its)s"),
    # tokens
    N_("a token needs a name of at most %(count)s characters"),
    N_("a token without a scope could do nothing: give it one"),
    N_("the token would have expired already"),
    N_("the role %(role)s does not allow %(scopes)s"),
    # Label Studio and the ML backend
    N_("the project is not connected with Label Studio"),
    N_("Label Studio at %(address)s did not answer in time (%(reason)s)"),
    N_("Label Studio at %(address)s cannot be reached: %(reason)s"),
    N_("Label Studio refuses LABEL_STUDIO_API_KEY"),
    N_("Label Studio has no project %(number)s"),
    N_("what %(address)s answered is not JSON: it is down, or no Label Studio"),
    N_("Label Studio answered %(status)s to %(request)s: %(body)s"),
    N_("%(request)s: the answer is not JSON; is %(address)s a Label Studio?"),
    N_("expected a JSON object, got %(answer)s"),
    N_("the database is busy: another has been writing for %(seconds)s seconds"),
    N_("%(count)s tasks were sent, %(stored)s were stored"),
    N_("the ML backend at %(address)s does not answer: %(reason)s"),
    N_("the ML backend at %(address)s answers %(status)s"),
    N_("%(address)s is not an ML backend of ours: %(reason)s"),
    # settings
    N_("the settings have been changed since: look what they are now"),
    N_("%(name)s cannot be '%(value)s'"),
    # what little is said of is looked for last
    N_("%(name)s is right"),
    N_("%(name)s was judged already"),
    N_("%(name)s is not served"),
)
