"""Words that stand in most texts of a language and tell nothing of what one is about. English has more, as most was measured on it.

Left out are those that mean something else in English (`pour`, `con`, `ten`), and in scripts without spaces signs are told apart by their
shape alone.
"""

from __future__ import annotations

COMMON = frozenset(
    """a about after all also an and any are as at be because been but by can could did do does for from had has have he her his how i if in
    into is it its just like make many may me more most my no not of on one only or other our out over own people she should so some such
    than that the their them then there these they thing things this those through time to too two up us use very was way we well were what
    when where which who whom why will with work would you your it's don't that's you're can't der die das und ist nicht ein eine zu mit von
    den le la les un une et est que de des du en el los y es il lo gli di che een het van

    auf aber als auch an aus bei dass dem durch einem einen einer er es für haben hier ich ihr im kann mehr mich mir nach noch nur
    oder sein sich sie sind so um uns was wenn werden wie wir wird zum zur über dieser diese dieses
    au aux avec ce cela ces cette c'est comme dans elle faire ils je leur mais même nous ou où pas peut qu'il qui sa sans se ses
    sont sur vous être était
    al algo como cuando del desde donde ella ellos entre esta este esto están hace las lo más mi muy nos para pero por puede qué se ser
    si sobre su sus también tiene una ya
    ao aos até da das dos ela ele eles em essa esse isso isto mais mas me mesmo muito na não nas nos num o os ou para pela pelo pode por
    porque quando quem se sem ser seu são também tem uma você à é
    alla anche ancora c'è ci come cosa da dal dalla degli dei del della delle e i ma nel nella non o per perché più può quando quella
    quello questa questo se si sono su sua suo tra una è
    aan als bij dat deze die dit geen heb heeft hij ik is je kan maar meer naar niet nog ook om op te tot uit veel voor waar wat
    we wel worden wordt ze zich zijn
    być był było co czy dla do gdy go i ich jak jako jego jej już która które który może na nie od po przez się są tak tego tej to tylko
    tym w z za że
    ama ancak artık bana bir biz bu bunu çok çünkü da daha de değil demek diye en gibi her için ile ise kadar ki mi ne o olan olarak
    oluyor onu sonra şey şu var ve veya ya yok
    а без бы был была были было быть в вам вас весь во вот все всё вы где да даже для до его ее её если есть еще ещё же за здесь и из или им
    их к как когда кто ли мне может можно мы на надо нас не него нет ни но ну о об он она они оно от очень по под потому при раз с сам себя
    со так такой там то того тоже только том тот ты у уже хотел чего чем что чтобы эта эти это этого этой этом этот я
    або але б в вже ви він вона вони від для до з за зі й його її коли ми на не ні або про та так те тільки у це цей що щоб як який я є
    αν από για δεν είναι εκ ενός ένα έναν ή η θα και κατά με μας μια μου μόνο να ο οι όπως όταν ότι που πως σε στην στη στο στον στα τα τη
    την της τι το τον του τους των ως
    أن أو أي إذا إلا إلى إن أنه أنها التي الذي الذين القول الى بعد بل بين به بها تكون ثم حتى حيث ذلك شيء عن على عند غير في فيه فيها قال قد
    كان كانت كل كما كيف لا لقد لم لن له لها ليس ما مع من منه منها هذا هذه هل هنا هناك هو هي هم و ولا وقد وكان وفي ومن وهو وهي يكون يمكن يا
    או אז אחד אחרי אך אל אם אני אנחנו את אתה אותו אותה אבל אין אשר בו בין גם הוא היא היה הם הזה הזאת זה זאת זו יותר יש כי כל כאשר כך כמו
    כן לא לו לי להם לה מאוד מה מי מן עד עוד על עם פי רק של שלו שלי שלה שהוא שם תחת
    अगर अपना अपनी अपने अब आप इस इसका इसकी इसके इसमें इसे उन उनका उनकी उनके उस उसका उसकी उसके उसे एक ऐसा ऐसी ऐसे ओर और कई कभी कर करके करता करते
    करना करने करें कहा का कि किया किसी की कुछ के केवल को कोई कौन क्या क्यों गई गए गया चाहिए जब जा जाता जाती जाते जाना जाने जैसा जैसे जो तक तब
    तरह तो था थी थे दिया दो द्वारा ध्यान न नहीं ने पर फिर बहुत बात बाद भी मगर मुझे में मेरा मेरी मेरे मैं यदि यह यहाँ या ये रखना रखनी रहा रही रहे
    लिए ले लेकिन वह वहाँ वही वाला वाली वाले वे सकता सकती सकते सब सभी साथ से हम हमारे हमें हर ही हुआ हुई हुए है हैं हो होता होती होते होना होने
    """.split()  # noqa: SIM905 - a list reads worse
)
